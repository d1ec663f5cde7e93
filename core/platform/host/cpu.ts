/**
 * A host's processor: vCPUs share its cores in proportion to their shares. The one with the least
 * virtual time (time received, divided by shares) runs next, for at most a quantum while others
 * wait. What a vCPU wanted to run and did not is steal time.
 *
 * Must hold: no core idles while a vCPU waits, and no vCPU waits for longer than its share explains.
 * Uncontended, a burst costs one event: what it received so far is counted when another one comes.
 */
import {
  always,
  component,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  type Request,
  type TimerHandle,
} from "../../kernel/index.ts";

export type CpuConfig = { readonly cores: number; readonly quantumNs: number };

/** Asks for so much work of a vCPU; answered when it was done. */
export type RunRequest = {
  /** Unique among the processor's vCPUs. */
  readonly vcpu: string;
  readonly shares: number;
  readonly workNs: number;
};

type Task = {
  readonly request: Request<RunRequest>;
  readonly leftNs: number;
  /** Time received, in nanoseconds times `SCALE` by shares. */
  readonly virtualNs: number;
  readonly waitingSinceNs: number;
};

type Running = Task & {
  readonly waitedNs: number;
  /** Since then it has received what is not yet counted. */
  readonly startedNs: number;
  readonly timer: TimerHandle;
  readonly endsNs: number;
};

export type CpuState = {
  readonly running: readonly Running[];
  readonly waiting: readonly Task[];
  /**
   * Virtual time that a vCPU comes back with at least. Nobody is ahead of it by more than a quantum
   * of its own: whoever comes is at most that much before one that waits.
   */
  readonly floorNs: number;
  readonly virtualNs: { readonly [vcpu: string]: number };
  /** Of every vCPU that ran since boot, those between two bursts included. */
  readonly shares: { readonly [vcpu: string]: number };
  /** Work takes this many times as long: a gray host. */
  readonly slowFactor: number;
};

export type CpuEntity = Entity<CpuConfig, Record<string, never>, CpuState>;

const SCALE = 1_000;

export const cpu = component<CpuConfig, Record<string, never>, CpuState>({
  kind: "cpu",
  volatile: () => ({
    running: [],
    waiting: [],
    floorNs: 0,
    virtualNs: {},
    shares: {},
    slowFactor: 1,
  }),
  handlers: {
    run: (self, request: Request<RunRequest>) => enqueue(self, request),
    "slice-end": (self, id: string) => endSlice(self, id),
    slow: (self, { body }: Request<{ readonly factor: number }>) => changeSpeed(self, body.factor),
  },
});

function enqueue(self: CpuEntity, request: Request<RunRequest>): void {
  const state = self.edit();
  const { vcpu, shares } = request.body;
  state.shares[vcpu] = shares;
  for (const task of state.running) account(self, task);
  endFormer(self, vcpu);
  // Who paused briefly keeps what it was owed, as the floor has not passed it; who slept is owed
  // nothing.
  const virtualNs = Math.max(state.virtualNs[vcpu] ?? 0, state.floorNs);
  state.waiting.push({
    request,
    leftNs: Math.ceil(request.body.workNs * state.slowFactor),
    virtualNs,
    waitingSinceNs: self.simulatedNs,
  } as Editable<Task>);
  dispatch(self);
  if (self.volatile.waiting.length > 0) shortenSlices(self, virtualNs);
}

/** A machine that was powered off and on again: the burst of its former run ends with it. */
function endFormer(self: CpuEntity, vcpu: string): void {
  const { running, waiting } = self.edit();
  const isFormer = ({ request }: Task): boolean => request.body.vcpu === vcpu;
  const ran = running.findIndex(isFormer);
  if (ran >= 0) {
    const [task] = running.splice(ran, 1) as [Editable<Running>];
    self.cancel(task.timer);
    self.reply(task.request as Request, {});
  }
  const waited = waiting.findIndex(isFormer);
  if (waited >= 0) self.reply(waiting.splice(waited, 1)[0]!.request as Request, {});
}

/** Virtual time of so much of a core, never none for some. */
function virtualOf(ns: number, { shares }: RunRequest): number {
  return Math.ceil((ns * SCALE) / shares);
}

/** Counts what a vCPU has received until now. */
function account(self: CpuEntity, task: Editable<Running>): void {
  const state = self.edit();
  const { body } = task.request;
  const ranNs = self.simulatedNs - task.startedNs;
  task.startedNs = self.simulatedNs;
  task.leftNs -= ranNs;
  task.virtualNs += virtualOf(ranNs, body);
  state.virtualNs[body.vcpu] = task.virtualNs;
  const aheadNs = virtualOf(self.config.quantumNs, body);
  state.floorNs = Math.max(state.floorNs, task.virtualNs - aheadNs);
}

/** Fills free cores from the queue, least virtual time first. */
function dispatch(self: CpuEntity): void {
  const { cores, quantumNs } = self.config;
  const state = self.edit();
  while (state.running.length < cores && state.waiting.length > 0) {
    const task = takeNext(state);
    const waitedNs = self.simulatedNs - task.waitingSinceNs;
    if (waitedNs > 0) self.measure("steal-ns", waitedNs);
    const contended = state.waiting.length > 0;
    const sliceNs = contended ? Math.min(quantumNs, task.leftNs) : task.leftNs;
    state.running.push({
      ...task,
      waitedNs,
      startedNs: self.simulatedNs,
      timer: self.after(sliceNs, "slice-end", task.request.body.vcpu),
      endsNs: self.simulatedNs + sliceNs,
    });
  }
}

function takeNext(state: Editable<CpuState>): Editable<Task> {
  let least = 0;
  state.waiting.forEach((task, i) => {
    if (task.virtualNs < state.waiting[least]!.virtualNs) least = i;
  });
  return state.waiting.splice(least, 1)[0]!;
}

/**
 * Somebody came and waits: who ran alone so far gets no more than a quantum from now, and who is
 * ahead of the one that came ends at once.
 */
function shortenSlices(self: CpuEntity, virtualNs: number): void {
  for (const task of self.edit().running) {
    const leftNs = task.virtualNs > virtualNs ? 0 : self.config.quantumNs;
    const limitNs = self.simulatedNs + leftNs;
    if (task.endsNs <= limitNs) continue;
    self.cancel(task.timer);
    task.endsNs = limitNs;
    task.timer = self.after(leftNs, "slice-end", task.request.body.vcpu);
  }
}

function endSlice(self: CpuEntity, vcpu: string): void {
  const state = self.edit();
  const at = state.running.findIndex(({ request }) => request.body.vcpu === vcpu);
  if (at < 0) return;
  const [task] = state.running.splice(at, 1) as [Editable<Running>];
  account(self, task);
  const { request, leftNs, virtualNs } = task;
  if (leftNs > 0) {
    state.waiting.push({ request, leftNs, virtualNs, waitingSinceNs: self.simulatedNs });
  } else {
    self.reply(request as Request, {});
  }
  dispatch(self);
}

/** What is left of every burst takes longer, or shorter, from now on; a slice gets no longer. */
function changeSpeed(self: CpuEntity, factor: number): void {
  const state = self.edit();
  const ratio = factor / state.slowFactor;
  const contended = state.waiting.length > 0;
  state.slowFactor = factor;
  for (const task of state.waiting) task.leftNs = Math.ceil(task.leftNs * ratio);
  for (const task of state.running) {
    const ranNs = self.simulatedNs - task.startedNs;
    const wasLast = task.endsNs - task.startedNs === task.leftNs;
    const leftNs = Math.ceil((task.leftNs - ranNs) * ratio);
    task.leftNs = ranNs + leftNs;
    const completedNs = self.simulatedNs + leftNs;
    const endsNs = wasLast && !contended ? completedNs : Math.min(task.endsNs, completedNs);
    self.cancel(task.timer);
    task.endsNs = endsNs;
    task.timer = self.after(endsNs - self.simulatedNs, "slice-end", task.request.body.vcpu);
  }
}

/**
 * How long a vCPU may wait. It is at most a quantum of its own ahead of the floor, and a competitor
 * starts no quantum once it has passed it: each has at most what its shares entitle it to meanwhile,
 * from the floor on, and one quantum. Those behind the floor ran while nobody waited, each on a core
 * of its own, and are fewer than there are cores: they leave one to the others.
 */
function longestWaitNs({ config, volatile }: CpuEntity, { request: { body } }: Task): number {
  const known = Object.values(volatile.shares);
  const others = known.reduce((sum, each) => sum + each, 0) - body.shares;
  const entitledNs = Math.ceil((others * virtualOf(config.quantumNs, body)) / SCALE);
  return entitledNs + (known.length - 1) * config.quantumNs;
}

export const cpuInvariants: readonly Invariant[] = [
  always("no vCPU starves", { mechanism: "cpu-scheduler", reads: ["cpu"] }, starves),
  always("no core idles while a vCPU waits", { mechanism: "cpu-scheduler", reads: ["cpu"] }, idles),
];

/** Of those that wait and those that waited until their turn came. */
function starves(entity: Entity): Finding | undefined {
  const self = entity as unknown as CpuEntity;
  const { running, waiting } = self.volatile;
  for (const task of waiting) {
    const finding = waitedTooLong(self, task, self.simulatedNs - task.waitingSinceNs);
    if (finding !== undefined) return finding;
  }
  for (const task of running) {
    const finding = waitedTooLong(self, task, task.waitedNs);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

function waitedTooLong(self: CpuEntity, task: Task, waitedNs: number): Finding | undefined {
  const limitNs = longestWaitNs(self, task);
  if (waitedNs <= limitNs) return undefined;
  const { vcpu } = task.request.body;
  return { message: `${vcpu} waited ${waitedNs} ns`, fields: { vcpu, waitedNs, limitNs } };
}

function idles(entity: Entity): Finding | undefined {
  const self = entity as unknown as CpuEntity;
  const { running, waiting } = self.volatile;
  if (waiting.length === 0 || running.length >= self.config.cores) return undefined;
  return { message: `${waiting.length} vCPUs wait while ${running.length} cores are busy` };
}
