/**
 * Asynchronous tasks: a host starts one, is given its id, and asks how far it is (getTaskUpdate of
 * VASA 2.0). A task works in steps, each an event.
 *
 * Must hold: tasks are memory of the array. A restart forgets them, with whatever they did already;
 * a forgotten, late or half-failed task is no damage, only something that the host must find out.
 */
import { assert, type Plain } from "../../../kernel/index.ts";
import { type BlockOutcome, refused } from "../block.ts";
import { currentVersion, type FileVersion } from "../metadata-files.ts";
import {
  beginRevert,
  type CopyBody,
  copyNs,
  copyProblem,
  type CopyStep,
  copyStep,
  type RevertBody,
  revertProblem,
  revertStep,
  type SplitBody,
  splitProblem,
  splitStep,
} from "./copy-tasks.ts";
import { prepareSnapshot, takeSnapshot } from "./hierarchy.ts";
import {
  arrayOf,
  type TaskItem,
  type VasaFaults,
  type VasaTask,
  type VvolsEntity,
} from "./vvol-state.ts";

/**
 * `given`: each place is made only while a file is as it was; else its item fails with "superseded".
 * So what a former host asked for comes to nothing once its intent was settled by another.
 */
export type PrepareBody = {
  readonly bases: readonly { readonly base: string; readonly holders: readonly string[] }[];
  readonly given?: FileVersion;
};

/** What is not taken within `timeoutNs` of the task's start is not taken at all. */
export type SnapshotBody = { readonly snapshots: readonly string[]; readonly timeoutNs: number };

type TaskVerb = {
  /** Why it cannot begin; undefined: it begins. */
  readonly problem: (self: VvolsEntity, body: never) => string | undefined;
  readonly begun?: (self: VvolsEntity, body: never) => void;
  readonly step: (self: VvolsEntity, task: VasaTask) => StepResult;
};

type StepResult = {
  readonly item?: TaskItem;
  readonly copy?: CopyStep;
  readonly done: boolean;
  /** Why the whole task fails; "": it does not. */
  readonly code: string;
};

const FINISHED_KEPT = 64;

export const TASK_VERBS: { readonly [verb: string]: TaskVerb } = {
  prepare: { problem: () => undefined, step: prepareStep },
  snapshot: { problem: () => undefined, step: snapshotStep },
  revert: {
    problem: revertProblem,
    begun: beginRevert,
    step: (self, { body, cursor }) =>
      copied(revertStep(self, body as unknown as RevertBody, cursor)),
  },
  split: {
    problem: splitProblem,
    step: (self, { body, cursor }) => copied(splitStep(self, body as unknown as SplitBody, cursor)),
  },
  "copy-diffs": {
    problem: copyProblem,
    step: (self, { body, cursor }) => copied(copyStep(self, body as unknown as CopyBody, cursor)),
  },
};

/** Answers {task}. */
export function startTask(self: VvolsEntity, verb: string, body: Plain): BlockOutcome {
  const kind = TASK_VERBS[verb]!;
  const problem = kind.problem(self, body as never);
  if (problem !== undefined) return refused(problem);
  kind.begun?.(self, body as never);
  const { tasks, nextTask } = self.volatile;
  const id = `${self.world.incarnationOf(self.domain)}-${nextTask}`;
  const finished = Object.keys(tasks).filter((each) => tasks[each]!.state !== "running");
  const state = self.edit();
  state.nextTask++;
  for (const old of finished.slice(0, -FINISHED_KEPT)) delete state.tasks[old];
  state.tasks[id] = {
    verb,
    body: body as never,
    state: "running",
    items: [],
    copiedSectors: 0,
    cursor: 0,
    startedNs: self.simulatedNs,
    fate: fateOf(self, verb),
  };
  self.after(self.config.metadataNs, "step", id);
  return { ok: true, value: { task: id } };
}

/** Answers {state, items, copiedSectors}; refuses with "no-task". */
export function taskUpdate(self: VvolsEntity, id: string): BlockOutcome {
  const task = self.volatile.tasks[id];
  if (task === undefined) return refused("no-task", id);
  const { items, copiedSectors, fate } = task;
  const state = fate === "late" ? "running" : task.state;
  return { ok: true, value: { state, items: items as unknown as Plain, copiedSectors } };
}

/** Timer: the next step of a task. */
export function stepTask(self: VvolsEntity, id: string): void {
  const task = self.volatile.tasks[id];
  assert(task, () => `${self.name} has no task ${id}`);
  const { item, copy, done, code } = TASK_VERBS[task.verb]!.step(self, task);
  const edited = self.edit().tasks[id]!;
  if (item !== undefined) edited.items.push(item);
  if (copy !== undefined) {
    edited.cursor = copy.cursor;
    edited.copiedSectors += copy.sectors;
  }
  const torn = task.fate === "torn" && !done;
  if (!done && !torn) return void self.after(nextStepNs(self, copy), "step", id);
  const failed = torn || code !== "" || edited.items.some((each) => !each.ok);
  edited.state = failed ? "error" : "success";
  if (torn || code !== "")
    edited.items.push({ vvol: "", ok: false, code: torn ? "io-error" : code });
  const { verb, copiedSectors } = edited;
  self.notice("vasa-task", { task: id, verb, state: edited.state, copiedSectors, fate: task.fate });
  if (task.fate === "lost") delete self.edit().tasks[id];
}

const nextStepNs = (self: VvolsEntity, copy: CopyStep | undefined): number =>
  copy === undefined ? self.config.metadataNs : copyNs(self, copy.sectors);

const copied = (copy: CopyStep): StepResult => ({ copy, done: copy.done, code: copy.code });

function prepareStep(self: VvolsEntity, { body, items }: VasaTask): StepResult {
  const { bases, given } = body as unknown as PrepareBody;
  const next = bases[items.length];
  if (next === undefined) return { done: true, code: "" };
  if (takeArmed(self, "failedItems")) return ended(bases, items, { vvol: "", code: "no-space" });
  if (given !== undefined && currentVersion(arrayOf(self), given.name) !== given.version) {
    return ended(bases, items, { vvol: "", code: "superseded" });
  }
  const vvol = prepareSnapshot(self, next.base, next.holders);
  return ended(bases, items, { vvol: vvol ?? "", code: vvol === undefined ? "gone" : "" });
}

function snapshotStep(self: VvolsEntity, { body, items, startedNs }: VasaTask): StepResult {
  const { snapshots, timeoutNs } = body as unknown as SnapshotBody;
  const vvol = snapshots[items.length];
  if (vvol === undefined) return { done: true, code: "" };
  const late = self.simulatedNs - startedNs > timeoutNs;
  if (late) return ended(snapshots, items, { vvol, code: "timeout" });
  if (takeArmed(self, "failedItems")) return ended(snapshots, items, { vvol, code: "io-error" });
  const outcome = takeSnapshot(self, vvol);
  return ended(snapshots, items, { vvol, code: outcome.ok ? "" : outcome.code });
}

function ended(
  list: readonly unknown[],
  items: readonly TaskItem[],
  { vvol, code }: { readonly vvol: string; readonly code: string },
): StepResult {
  return {
    item: { vvol, ok: code === "", code },
    done: items.length + 1 === list.length,
    code: "",
  };
}

function fateOf(self: VvolsEntity, verb: string): VasaTask["fate"] {
  if (takeArmed(self, "lostTasks")) return "lost";
  if (takeArmed(self, "lateTasks")) return "late";
  const copies = verb === "revert" || verb === "copy-diffs" || verb === "split";
  return copies && takeArmed(self, "tornCopies") ? "torn" : "";
}

function takeArmed(self: VvolsEntity, fault: keyof VasaFaults): boolean {
  if (self.durable.armed[fault] === 0) return false;
  self.editDurable().armed[fault]--;
  self.notice("fault", { fault: `vasa-${fault}`, array: self.name });
  return true;
}
