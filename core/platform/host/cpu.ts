/**
 * A host's processor: vCPUs share its cores in proportion to their shares. The one with the least
 * virtual time (time received, divided by shares) runs next, for at most a quantum while others
 * wait. What a vCPU wanted to run and did not is steal time.
 *
 * Must hold: no core idles while a vCPU waits, and no vCPU waits for longer than its share explains.
 * Uncontended, a burst costs one event.
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
  readonly startedNs: number;
  readonly timer: TimerHandle;
  readonly endsNs: number;
};

export type CpuState = {
  readonly running: readonly Running[];
  readonly waiting: readonly Task[];
  /** Virtual time that a vCPU comes back with at least. */
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
  const before = state.virtualNs[vcpu] ?? state.floorNs;
  // Who paused briefly keeps what it was owed, up to the virtual time that the one with the fewest
  // shares takes for a quantum; who slept long is owed no more.
  const tasks = [...state.running, ...state.waiting];
  const fewest = tasks.reduce(
    (least, { request: { body } }) => Math.min(least, body.shares),
    shares,
  );
  const creditNs = Math.floor((self.config.quantumNs * SCALE) / fewest);
  state.waiting.push({
    request,
    leftNs: Math.ceil(request.body.workNs * state.slowFactor),
    virtualNs: Math.max(before, state.floorNs - creditNs),
    waitingSinceNs: self.simulatedNs,
  } as Editable<Task>);
  dispatch(self);
  if (self.volatile.waiting.length > 0) shortenSlices(self);
}

/** Fills free cores from the queue, least virtual time first. */
function dispatch(self: CpuEntity): void {
  const { cores, quantumNs } = self.config;
  const state = self.edit();
  while (state.running.length < cores && state.waiting.length > 0) {
    const task = takeNext(state);
    const stolenNs = self.simulatedNs - task.waitingSinceNs;
    if (stolenNs > 0) self.measure("steal-ns", stolenNs);
    const contended = state.waiting.length > 0;
    const sliceNs = contended ? Math.min(quantumNs, task.leftNs) : task.leftNs;
    state.floorNs = Math.max(state.floorNs, task.virtualNs);
    state.running.push({
      ...task,
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
 * Somebody waits: who ran alone so far gets no more than a quantum from now, and who is ahead of the
 * one that waits with the least virtual time ends at once.
 */
function shortenSlices(self: CpuEntity): void {
  const { running, waiting } = self.edit();
  const least = Math.min(...waiting.map(({ virtualNs }) => virtualNs));
  for (const task of running) {
    const leftNs = task.virtualNs > least ? 0 : self.config.quantumNs;
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
  const ranNs = self.simulatedNs - task.startedNs;
  const virtualNs = task.virtualNs + Math.floor((ranNs * SCALE) / task.request.body.shares);
  const leftNs = task.leftNs - ranNs;
  state.virtualNs[vcpu] = virtualNs;
  if (leftNs > 0) {
    const waitingSinceNs = self.simulatedNs;
    state.waiting.push({ request: task.request, leftNs, virtualNs, waitingSinceNs });
  } else {
    self.reply(task.request as Request, {});
  }
  dispatch(self);
}

/** What is left of every burst takes longer, or shorter, from now on. */
function changeSpeed(self: CpuEntity, factor: number): void {
  const state = self.edit();
  const ratio = factor / state.slowFactor;
  state.slowFactor = factor;
  for (const task of state.waiting) task.leftNs = Math.ceil(task.leftNs * ratio);
  for (const task of state.running) {
    const ranNs = self.simulatedNs - task.startedNs;
    const wasLast = task.endsNs - task.startedNs === task.leftNs;
    const leftNs = Math.ceil((task.leftNs - ranNs) * ratio);
    task.leftNs = ranNs + leftNs;
    const completedNs = self.simulatedNs + leftNs;
    const endsNs = wasLast ? completedNs : Math.min(task.endsNs, completedNs);
    self.cancel(task.timer);
    task.endsNs = endsNs;
    task.timer = self.after(endsNs - self.simulatedNs, "slice-end", task.request.body.vcpu);
  }
  if (state.waiting.length > 0) shortenSlices(self);
}

/**
 * How long a vCPU may wait: until every other one has had what its shares entitle it to, and as
 * much again for the credit of those that come back from a pause and for bursts that end meanwhile.
 */
function longestWaitNs({ config, volatile }: CpuEntity, task: Task): number {
  const known = Object.values(volatile.shares);
  const shares = known.reduce((sum, each) => sum + each, 0);
  const rounds = Math.ceil(shares / task.request.body.shares) + known.length + 1;
  return 3 * rounds * config.quantumNs;
}

export const cpuInvariants: readonly Invariant[] = [
  always("no vCPU starves", { mechanism: "cpu-scheduler", reads: ["cpu"] }, (entity) => {
    const self = entity as unknown as CpuEntity;
    for (const task of self.volatile.waiting) {
      const waitedNs = self.simulatedNs - task.waitingSinceNs;
      const limitNs = longestWaitNs(self, task);
      if (waitedNs <= limitNs) continue;
      const { vcpu } = task.request.body;
      return { message: `${vcpu} waited ${waitedNs} ns`, fields: { vcpu, waitedNs, limitNs } };
    }
    return undefined;
  }),
  always("no core idles while a vCPU waits", { mechanism: "cpu-scheduler", reads: ["cpu"] }, idles),
];

function idles(entity: Entity): Finding | undefined {
  const self = entity as unknown as CpuEntity;
  const { running, waiting } = self.volatile;
  if (waiting.length === 0 || running.length >= self.config.cores) return undefined;
  return { message: `${waiting.length} vCPUs wait while ${running.length} cores are busy` };
}
