/**
 * Makes volumes at least as large as a disk is to be; one that is larger already stays so, for what
 * it holds beyond may be a point in time's. Nothing is known of a volume without an answer, and to
 * ask again does no harm.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  type PlainObject,
  type Refusal,
  together,
  wait,
} from "../../kernel/index.ts";
import type { FileVersion } from "../../platform/index.ts";
import { askArray } from "../chain/array-requests.ts";

type Params = {
  readonly array: EntityId;
  readonly volumes: readonly string[];
  readonly toSectors: number;
  /** The intent as who asks opened or fenced it: what comes later would undo a later growth. */
  readonly given: FileVersion;
};

/** Of the answer to "list-volumes". */
type Volume = { readonly name: string; readonly sectors: number };

type Op = Operation<Params & PlainObject, PlainObject>;

/** Pause before the array is asked again; for all of growth. */
export const AGAIN_NS = 200_000_000;

export const resizeVolumes = operation<Params & PlainObject, PlainObject>("resize-volumes", {
  look: (_host, op: Op) => askArray(op.params.array, "list-volumes", {}, "resize", "refused"),

  resize(_host, op: Op, { volumes }: { readonly volumes: readonly Volume[] }) {
    const { toSectors: sectors, given } = op.params;
    const small = op.params.volumes.filter((name) => {
      const found = volumes.find((each) => each.name === name);
      return found === undefined || found.sectors < sectors;
    });
    const asks = small.map((name) =>
      askArray(op.params.array, "resize-volume", { name, sectors, given }, ""),
    );
    return together(asks, "report", "refused");
  },

  refused: (_host, _op: Op, { code, detail }: Refusal) =>
    code === "timeout" ? go("pause") : fail(code, detail),

  pause: () => wait(AGAIN_NS, "look"),

  report: () => done(),
});
