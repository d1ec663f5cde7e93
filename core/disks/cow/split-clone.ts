/**
 * Promotion of a linked clone on copy-on-write disks, of a VM that is on or off: the array copies up
 * what the clone still shares, chunk by chunk, and lets the origin go. What the clone reads never
 * changes, and neither do its points in time; so there is no mirror, no stun and no switch.
 *
 * Needs no intent: a chunk that was copied up is one for good, and to begin again goes on where the
 * last one stopped, after a crash or for want of space alike.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type PlainObject,
  type Refusal,
  type Step,
} from "../../kernel/index.ts";
import { arrayTasks, type TaskResults } from "./array-tasks.ts";
import { type ArrayView, CowView, lookAtArray } from "./cow-files.ts";

export type SplitCloneParams = { readonly vm: string; readonly array: EntityId };

type State = { copiedSectors: number; again: boolean };

type Op = Operation<SplitCloneParams & PlainObject, State>;

const PATIENCE_NS = 3_600_000_000_000;

export const splitClone = operation<SplitCloneParams & PlainObject, State>(
  "split-clone",
  {
    look: (_host: Entity, op: Op): Step => lookAtArray(op.params.array, "split", ""),

    split(_host: Entity, op: Op, answer: ArrayView): Step {
      const view = new CowView(answer);
      const { vm, array } = op.params;
      const configuration = view.configuration(vm);
      if (configuration === undefined) return fail("no-configuration", vm);
      const names = Object.values(configuration.running);
      const problem = view.problemOf(names);
      if (problem !== undefined) return problem;
      const volumes = names.map((name) => view.files.descriptor(name)!.volume);
      const clones = volumes.filter((volume) => view.originOf(volume) !== undefined);
      if (clones.length === 0)
        return op.state.again ? go("report") : fail("not-a-linked-clone", vm);
      const tasks = clones.map((vvol) => ({ verb: "vasa-split", body: { vvol } }));
      const params = { array, tasks, patienceNs: PATIENCE_NS };
      return perform(arrayTasks, params, "count", "failed");
    },

    count(_host: Entity, op: Op, { results }: TaskResults): Step {
      op.edit().copiedSectors += results.reduce((sum, each) => sum + each.copiedSectors, 0);
      return go("report");
    },

    /** The array forgot its tasks, not what they did. */
    failed(_host: Entity, op: Op, { code, detail }: Refusal): Step {
      if (code !== "task-lost") return fail(code, detail);
      op.edit().again = true;
      return go("look");
    },

    report: (_host: Entity, op: Op): Step => done({ copiedSectors: op.state.copiedSectors }),
  },
  () => ({ copiedSectors: 0, again: false }),
);
