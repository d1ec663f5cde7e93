/**
 * Tasks of an array as one phase of an operation: started together, asked after until all have
 * ended. Fails with the code of the first that did not succeed: an item's own, "task-lost" when the
 * array was restarted, "task-timeout" when patience is at an end. After a failure, what the tasks
 * did is for the caller to find out.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  type Plain,
  type PlainObject,
  together,
  wait,
} from "../../kernel/index.ts";
import type { TaskItem } from "../../platform/index.ts";
import { askArray } from "../chain/array-requests.ts";

export type ArrayTasks = {
  readonly array: EntityId;
  readonly tasks: readonly { readonly verb: string; readonly body: Plain }[];
  /** From the start of the first task. */
  readonly patienceNs: number;
};

/** Its figures. */
export type TaskResults = {
  readonly results: readonly {
    readonly items: readonly TaskItem[];
    readonly copiedSectors: number;
  }[];
};

type Update = TaskResults["results"][number] & { readonly state: string };

type State = {
  ids: readonly string[];
  startedNs: number;
  pauseNs: number;
};

type Op = Operation<ArrayTasks & PlainObject, State & PlainObject>;

const FIRST_PAUSE_NS = 500_000;
const LONGEST_PAUSE_NS = 1_000_000_000;

export const arrayTasks = operation<ArrayTasks & PlainObject, State & PlainObject>(
  "array-tasks",
  {
    begin(host, op) {
      op.edit().startedNs = host.simulatedNs;
      const { array, tasks } = op.params;
      return together(
        tasks.map(({ verb, body }) => askArray(array, verb, body, "")),
        "started",
      );
    },

    started(_host, op, answers: readonly { task: string }[]) {
      op.edit().ids = answers.map(({ task }) => task);
      return go("pause");
    },

    pause(_host, op) {
      const { pauseNs } = op.state;
      op.edit().pauseNs = Math.min(2 * pauseNs, LONGEST_PAUSE_NS);
      return wait(pauseNs, "ask");
    },

    ask: (_host, op) =>
      together(
        op.state.ids.map((task) => askArray(op.params.array, "vasa-task", { task }, "")),
        "look",
        "unanswered",
      ),

    look(host, op, updates: readonly Update[]) {
      const ended = updates.every(({ state }) => state !== "running");
      if (!ended) return isOver(host.simulatedNs, op) ? fail("task-timeout") : go("pause");
      const failed = updates.flatMap(({ items }) => items).find(({ ok }) => !ok);
      if (failed !== undefined) return fail(failed.code, failed.vvol);
      const results = updates.map(({ items, copiedSectors }) => ({ items, copiedSectors }));
      return done({ results } as unknown as PlainObject);
    },

    /** No answer may be a lost one; a task that nobody knows is lost for good. */
    unanswered(host, op, { code }: { code: string }) {
      if (code === "no-task") return fail("task-lost");
      return isOver(host.simulatedNs, op) ? fail("task-timeout") : go("pause");
    },
  },
  () => ({ ids: [], startedNs: 0, pauseNs: FIRST_PAUSE_NS }),
);

const isOver = (nowNs: number, op: Op): boolean =>
  nowNs - op.state.startedNs > op.params.patienceNs;
