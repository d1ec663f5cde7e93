/**
 * The path of a request through a device: it waits for one of `queueDepth` places, and for earlier
 * ones about the same file or volume (verb-order.ts), is worked on for its service time, takes effect
 * when that is over, and is answered in the same event. Two events a request beside its own arrival
 * and answer.
 */
import { assert, type Request, type SectorRange } from "../../kernel/index.ts";
import {
  answer,
  type BlockOutcome,
  type BlockRequest,
  bytesBack,
  DONE,
  LATENCY_SERIES,
  refused,
  withoutBody,
  type WriteRequest,
} from "./block.ts";
import {
  ACKNOWLEDGED,
  activeOf,
  type Behaviour,
  currentContent,
  type DeviceEntity,
  type DeviceOp,
  tell,
  type VerbRequest,
} from "./device-state.ts";
import { afterWriting, flushLies, isBad, landing, rotOnRead } from "./faults.ts";
import type { OwnerStamp } from "./ownership.ts";
import { drawServiceNs, sectorsNs } from "./service-time.ts";
import { isHeldUp } from "./verb-order.ts";
import { persistMedium, takeWrite } from "./write-cache.ts";

/** Who sent a request and under which number, so that one sent twice is known. */
export type Origin = {
  readonly sender: string;
  readonly session: number;
  readonly number: number;
  readonly owner: string;
  readonly stamp?: OwnerStamp | null;
};

const NO_ORIGIN: Origin = { sender: "", session: 0, number: 0, owner: "" };

/** Queues a request; it is answered when it was served. */
export function submit(
  self: DeviceEntity,
  medium: string,
  io: BlockRequest | VerbRequest,
  request: Request,
  origin: Origin = NO_ORIGIN,
): void {
  const state = self.edit();
  const op: DeviceOp = {
    id: state.nextOp++,
    medium,
    io,
    request: withoutBody(request),
    arrivedNs: self.simulatedNs,
    through: state.cache.next - 1,
    sender: origin.sender,
    session: origin.session,
    number: origin.number,
    owner: origin.owner,
    stamp: origin.stamp ?? null,
  };
  self.measure("queue-depth", state.waiting.length + state.active.length);
  const { active, waiting } = state as { active: DeviceOp[]; waiting: DeviceOp[] };
  const isHeld = isHeldUp(op, active, active.length) || isHeldUp(op, waiting, waiting.length);
  if (active.length < self.config.queueDepth && !isHeld) startOp(self, op);
  else waiting.push(op);
}

function startOp(self: DeviceEntity, op: DeviceOp): void {
  (self.edit().active as DeviceOp[]).push(op);
  self.after(serviceNs(self, op), "served", op.id);
}

function serviceNs(self: DeviceEntity, { io }: DeviceOp): number {
  const { timing } = self.config;
  const { slowFactor } = self.durable.armed;
  return Math.round(unslowedNs(self, io, timing) * slowFactor);
}

function unslowedNs(
  self: DeviceEntity,
  io: DeviceOp["io"],
  timing: DeviceEntity["config"]["timing"],
): number {
  if (io.op === "flush") return drawServiceNs(self, "flush-ns", timing.flush);
  if (io.op !== "read" && io.op !== "write") return drawServiceNs(self, "write-ns", timing.write);
  const baseNs =
    io.op === "read"
      ? drawServiceNs(self, "read-ns", timing.read)
      : drawServiceNs(self, "write-ns", timing.write);
  const state = self.edit();
  const seekNs = state.head === io.sector ? 0 : timing.seekNs;
  state.head = io.sector + io.sectors;
  return baseNs + seekNs + sectorsNs(timing, io.sectors);
}

/** Timer: the service time of a request is over. */
export function served(self: DeviceEntity, behaviour: Behaviour, id: number): void {
  const { active } = self.edit() as { active: DeviceOp[] };
  const op = activeOf(active, id);
  assert(op, () => `${self.name} served unknown request ${id}`);
  active.splice(active.indexOf(op), 1);
  const ended = behaviour.recheck(self, op) ?? perform(self, behaviour, op);
  const outcome = behaviour.ended(self, op, ended);
  measureOp(self, op, outcome);
  const dataBytes = op.io.op === "verb" ? 0 : bytesBack(op.io);
  answer(self, op.request, outcome, dataBytes);
  startNext(self);
}

/** Several, where they waited for the one that ended. */
function startNext(self: DeviceEntity): void {
  while (self.volatile.active.length < self.config.queueDepth) {
    const next = takeNext(self);
    if (next === undefined) return;
    startOp(self, next);
  }
}

function measureOp(self: DeviceEntity, op: DeviceOp, outcome: BlockOutcome): void {
  const { io } = op;
  if (io.op === "verb") return;
  const latencyNs = self.simulatedNs - op.arrivedNs;
  self.measure(LATENCY_SERIES[io.op], latencyNs);
  if (!outcome.ok) self.measure("refused", 1);
}

/** The oldest that may start, or with an elevator the next one on the way up, then from below. */
function takeNext(self: DeviceEntity): DeviceOp | undefined {
  const { waiting } = self.volatile;
  let at = 0;
  while (at < waiting.length && !isReady(self, at)) at++;
  if (at === waiting.length) return undefined;
  if (self.config.order === "elevator") at = nextOnTheWay(self, at);
  return (self.edit().waiting as DeviceOp[]).splice(at, 1)[0];
}

function isReady({ volatile: { active, waiting } }: DeviceEntity, at: number): boolean {
  const op = waiting[at]!;
  return !isHeldUp(op, active, active.length) && !isHeldUp(op, waiting, at);
}

/** What is no transfer is done when its turn has come. */
function nextOnTheWay({ volatile: { waiting, head } }: DeviceEntity, first: number): number {
  const place = ({ io }: DeviceOp): number => {
    if (io.op !== "read" && io.op !== "write") return -1;
    return io.sector >= head ? io.sector - head : io.sector + 2 ** 40;
  };
  let best = first;
  if (place(waiting[first]!) < 0) return first;
  for (let at = first + 1; at < waiting.length; at++) {
    const there = place(waiting[at]!);
    if (there >= 0 && there < place(waiting[best]!)) best = at;
  }
  return best;
}

// --- effects --------------------------------------------------------------------------------------

function perform(self: DeviceEntity, behaviour: Behaviour, op: DeviceOp): BlockOutcome {
  const { io, medium } = op;
  switch (io.op) {
    case "verb":
      return behaviour.perform(self, io);
    case "read":
      return readSectors(self, behaviour, medium, io);
    case "write":
      return writeSectors(self, behaviour, medium, io);
    case "discard":
      return discardSectors(self, behaviour, medium, io);
    case "flush":
      return flush(self, op);
  }
}

function readSectors(
  self: DeviceEntity,
  behaviour: Behaviour,
  medium: string,
  io: SectorRange,
): BlockOutcome {
  const { sector, sectors } = io;
  const derived = behaviour.derived(self, medium, io);
  if (derived !== undefined) return { ok: true, value: { runs: derived } };
  if (isBad(self, medium, sector, sectors)) return refused("io-error", { sector });
  rotOnRead(self, medium, sector, sectors);
  const runs = currentContent(self, medium).read(sector, sectors);
  self.measure("read-sectors", sectors);
  tell(self, ACKNOWLEDGED, () => ({ medium, op: "read", sector, sectors, runs }));
  return { ok: true, value: { runs } };
}

function writeSectors(
  self: DeviceEntity,
  behaviour: Behaviour,
  medium: string,
  io: WriteRequest,
): BlockOutcome {
  const { sector, sectors, runs, fua = false, barrier = false } = io;
  if (!behaviour.overwriting(self, medium, io)) return refused("no-space");
  if (!hasSpace(self, behaviour, medium, sector, sectors)) return refused("no-space");
  const id = self.volatile.cache.next;
  const landed = landing(self, medium, io);
  if (landed !== undefined && (landed === io || reserveLanding(self, behaviour, medium, landed))) {
    takeWrite(self, medium, landed, { fua, barrier });
  }
  afterWriting(self, medium, sector, sectors);
  self.measure("write-sectors", sectors);
  const durable = fua || self.config.cacheSectors === 0;
  tell(self, ACKNOWLEDGED, () => {
    return { medium, op: "write", id, sector, sectors, runs, durable, barrier };
  });
  return DONE;
}

function hasSpace(
  self: DeviceEntity,
  behaviour: Behaviour,
  medium: string,
  sector: number,
  sectors: number,
): boolean {
  if (self.durable.armed.noSpace) {
    const written = currentContent(self, medium).allocatedRuns(sector, sectors);
    return written.length === 1 && written[0]!.sectors === sectors;
  }
  return behaviour.reserve(self, medium, sector, sectors);
}

function reserveLanding(
  self: DeviceEntity,
  behaviour: Behaviour,
  medium: string,
  { sector, sectors }: WriteRequest,
): boolean {
  if (!behaviour.overwriting(self, medium, { sector, sectors })) return false;
  return behaviour.reserve(self, medium, sector, sectors);
}

function discardSectors(
  self: DeviceEntity,
  behaviour: Behaviour,
  medium: string,
  { sector, sectors }: SectorRange,
): BlockOutcome {
  if (!behaviour.overwriting(self, medium, { sector, sectors })) return refused("no-space");
  behaviour.release(self, medium, sector, sectors);
  const id = self.volatile.cache.next;
  takeWrite(self, medium, { sector, sectors, runs: null }, {});
  const durable = self.config.cacheSectors === 0;
  tell(self, ACKNOWLEDGED, () => {
    return { medium, op: "write", id, sector, sectors, runs: null, durable, barrier: false };
  });
  return DONE;
}

function flush(self: DeviceEntity, { medium, through }: DeviceOp): BlockOutcome {
  if (!flushLies(self, medium)) {
    if (persistMedium(self, medium, through)) self.durableStep("flush");
  }
  tell(self, ACKNOWLEDGED, () => ({ medium, op: "flush", through }));
  return DONE;
}
