/**
 * A link between two failure domains: two directions, each a queue in front of a wire. Flows share
 * the wire in turns of a segment, so a long message does not hold up the short ones of others; what
 * is sent arrives a latency after its last byte. Datagrams can be lost, doubled, overtaken, and
 * dropped when the queue is full; a stream arrives whole and in order, each loss costing it a
 * retransmission time-out, twice as long each time, and a frame more on the wire.
 *
 * Must hold: what is on the wire survives a crash of its sender, what is still in its queue does
 * not. While a direction is cut, datagrams into it are lost and streams wait; a stream that waited
 * for `giveUpNs` is reset: its messages are lost, as a connection's are.
 */
import {
  bernoulli,
  component,
  type DomainId,
  type Distribution,
  type Editable,
  type Entity,
  type EntityId,
  type Envelope,
  type Request,
  transferNs,
  uniform,
  type World,
} from "../../kernel/index.ts";
import { arrivalOf, type LastArrival } from "./last-arrivals.ts";
import type { NicEntity } from "./nic.ts";

export type LinkOptions = {
  /** The two domains that it joins. */
  readonly ends: readonly [DomainId, DomainId];
  readonly bitsPerSecond: number;
  readonly latencyNs: number;
  /** Extra latency, equally likely from 0 up to this. */
  readonly jitterNs: number;
  readonly lossPerMillion: number;
  readonly duplicatePerMillion: number;
  /** Chance that a datagram is held back so that later ones overtake it. */
  readonly reorderPerMillion: number;
  /** A datagram that finds more than this waiting is dropped. */
  readonly queueBytes: number;
  readonly rtoNs?: number;
  readonly giveUpNs?: number;
  /** Interfaces at the two ends that its traffic shares with that of other links; -1 for none. */
  readonly nics?: readonly [EntityId, EntityId];
  /** Where it lives; a domain of its own name unless told. Interfaces must live there too. */
  readonly domain?: DomainId;
};

type LinkConfig = Required<Omit<LinkOptions, "domain">> & {
  readonly jitter: Distribution;
  readonly loss: Distribution;
  readonly duplicate: Distribution;
  readonly reorder: Distribution;
};

/** What waits for the wire: messages of one flow, in order. */
type Waiting = {
  readonly flow: string;
  readonly messages: readonly { readonly envelope: Envelope; readonly leftBytes: number }[];
};

type Direction = {
  /** The wire is taken until then. */
  readonly busyUntilNs: number;
  /** Flows with something to send, the next one first. */
  readonly queue: readonly Waiting[];
  readonly queuedBytes: number;
  readonly cut: boolean;
  /** Last arrival of streams of which something is on the way: the next cannot arrive before it. */
  readonly arrivals: readonly LastArrival[];
  /** Stream messages that wait for a cut to heal, with when they began to. */
  readonly held: readonly { readonly envelope: Envelope; readonly sinceNs: number }[];
};

type LinkState = {
  readonly directions: readonly [Direction, Direction];
  /** Bandwidth is divided and latency multiplied by it: a gray link. */
  readonly slowFactor: number;
};

export type LinkEntity = Entity<LinkConfig, LinkState, Record<string, never>>;

/** What the driver asks for; `from` is the end whose sending direction is meant, -1 for both. */
export type CutLink = { readonly from: DomainId };

const DEFAULT_RTO_NS = 200_000_000;
const DEFAULT_GIVE_UP_NS = 15_000_000_000;
/** Frame header, preamble and gap of Ethernet for each 1,460 bytes of payload, plus TCP/IP. */
const FRAME_PAYLOAD = 1_460;
const FRAME_OVERHEAD = 78;
const MAX_RETRANSMISSIONS = 6;
const REORDER_DELAYS = 4;
/** What a flow may send before it is the next one's turn: one segment offloaded to an adapter. */
const SEGMENT_BYTES = 65_536;

const idle = (): Direction => ({
  busyUntilNs: 0,
  queue: [],
  queuedBytes: 0,
  cut: false,
  arrivals: [],
  held: [],
});

export const link = component<LinkConfig, LinkState, Record<string, never>>({
  kind: "link",
  durable: () => ({ directions: [idle(), idle()], slowFactor: 1 }),
  handlers: {
    cut: (self, { body }: Request<CutLink>) => setCut(self, body.from, true),
    heal: (self, { body }: Request<CutLink>) => {
      setCut(self, body.from, false);
      releaseHeld(self);
    },
    slow: (self, { body }: Request<{ readonly factor: number }>) => {
      self.editDurable().slowFactor = body.factor;
    },
    "give-up": (self, _arg: number) => giveUp(self),
    turn: (self, side: number) => takeTurn(self, side),
    retransmit: (self, arg: { side: number; bytes: number }) => {
      if (!self.durable.directions[arg.side]!.cut) occupy(self, arg.side, arg.bytes);
    },
    "domain-crashed": (self, data: { domain: string }) => forgetSender(self, data.domain),
  },
  carry: (self, envelope) => carry(self, envelope),
});

/** A link, connected both ways. */
export function spawnLink(world: World, name: string, options: LinkOptions): LinkEntity {
  const { domain = world.addDomain(name), ...given } = options;
  const { jitterNs, lossPerMillion, duplicatePerMillion, reorderPerMillion } = options;
  const config: LinkConfig = {
    rtoNs: DEFAULT_RTO_NS,
    giveUpNs: DEFAULT_GIVE_UP_NS,
    nics: [-1, -1],
    ...given,
    jitter: uniform(Math.max(1, jitterNs + 1)),
    loss: bernoulli(lossPerMillion),
    duplicate: bernoulli(duplicatePerMillion),
    reorder: bernoulli(reorderPerMillion),
  };
  const entity = world.spawn(link, config, { domain, name });
  const [a, b] = options.ends;
  world.messenger.connect(a, b, entity.id);
  world.messenger.connect(b, a, entity.id);
  world.subscribe("crash", entity as unknown as Entity, "domain-crashed");
  return entity;
}

function carry(self: LinkEntity, envelope: Envelope): void {
  const side = sideOf(self, self.world.entity(envelope.from).domain);
  const direction = self.durable.directions[side]!;
  if (direction.cut) return carryIntoCut(self, side, envelope);
  if (envelope.delivery === "datagram" && isFull(self, side)) {
    return drop(self, envelope, "queue full");
  }
  transmit(self, side, envelope);
}

function carryIntoCut(self: LinkEntity, side: number, envelope: Envelope): void {
  if (envelope.delivery === "datagram") return drop(self, envelope, "partition");
  const direction = editDirection(self, side);
  direction.held.push({ envelope, sinceNs: self.simulatedNs } as Editable<Direction>["held"][0]);
  self.after(self.config.giveUpNs, "give-up");
}

function isFull(self: LinkEntity, side: number): boolean {
  const { queueBytes } = self.config;
  const committed = (aheadNs(self, side) * slowestBitsPerSecond(self, side)) / 8e9;
  return committed + self.durable.directions[side]!.queuedBytes > queueBytes;
}

/** At what rate what is ahead leaves: that of the wire, or of an interface that is slower. */
function slowestBitsPerSecond(self: LinkEntity, side: number): number {
  const wire = self.config.bitsPerSecond / self.durable.slowFactor;
  const rates = nicsOf(self, side).map((nic) => nic?.config.bitsPerSecond ?? Infinity);
  return Math.min(wire, ...rates);
}

/** How long the wire and the interfaces are taken by what is on them already. */
function aheadNs(self: LinkEntity, side: number): number {
  return Math.max(0, freeAtNs(self, side) - self.simulatedNs);
}

/** Short messages go onto a wire that is free or nearly so; the others wait for their turn. */
function transmit(self: LinkEntity, side: number, envelope: Envelope): void {
  const { queue } = self.durable.directions[side]!;
  const { bytes } = envelope;
  const segmentNs = transferNs(SEGMENT_BYTES, self.config.bitsPerSecond);
  if (queue.length === 0 && bytes <= SEGMENT_BYTES && aheadNs(self, side) < segmentNs) {
    return arrive(self, side, envelope, occupy(self, side, bytes));
  }
  const direction = editDirection(self, side);
  const flow = flowOf(envelope);
  const message = { envelope, leftBytes: bytes } as Editable<Waiting>["messages"][0];
  direction.queuedBytes += bytes;
  const own = direction.queue.find((each) => each.flow === flow);
  if (own !== undefined) return void own.messages.push(message);
  direction.queue.push({ flow, messages: [message] });
  if (direction.queue.length === 1) self.after(aheadNs(self, side), "turn", side);
}

/** The first flow sends up to a segment, then goes to the end of the queue. */
function takeTurn(self: LinkEntity, side: number): void {
  const direction = editDirection(self, side);
  const waiting = direction.queue.shift();
  if (waiting === undefined) return;
  let room = SEGMENT_BYTES;
  while (room > 0 && waiting.messages.length > 0) {
    const message = waiting.messages[0]!;
    const bytes = Math.min(room, message.leftBytes);
    const sentNs = occupy(self, side, bytes);
    room -= Math.max(1, bytes);
    message.leftBytes -= bytes;
    direction.queuedBytes -= bytes;
    if (message.leftBytes > 0) continue;
    waiting.messages.shift();
    arrive(self, side, message.envelope as Envelope, sentNs);
  }
  if (waiting.messages.length > 0) direction.queue.push(waiting);
  if (direction.queue.length > 0) self.after(aheadNs(self, side), "turn", side);
}

/** The last byte left at `sentNs`: what becomes of the message on its way. */
function arrive(self: LinkEntity, side: number, envelope: Envelope, sentNs: number): void {
  const latencyNs = Math.ceil(self.config.latencyNs * self.durable.slowFactor);
  const arrivalNs = sentNs + latencyNs + jitter(self);
  if (envelope.delivery === "datagram") return arriveDatagram(self, envelope, arrivalNs);
  arriveStream(self, side, envelope, arrivalNs);
}

function arriveDatagram(self: LinkEntity, envelope: Envelope, arrivalNs: number): void {
  const { config } = self;
  if (chance(self, "loss", config.lossPerMillion, config.loss)) {
    return drop(self, envelope, "lost");
  }
  const late = chance(self, "reorder", config.reorderPerMillion, config.reorder);
  const extraNs = late ? config.latencyNs * REORDER_DELAYS + config.jitterNs : 0;
  self.deliver(envelope, arrivalNs + extraNs - self.simulatedNs);
  if (chance(self, "duplicate", config.duplicatePerMillion, config.duplicate)) {
    self.deliver(envelope, arrivalNs + jitter(self) - self.simulatedNs);
  }
}

function arriveStream(
  self: LinkEntity,
  side: number,
  envelope: Envelope,
  firstArrivalNs: number,
): void {
  const { lossPerMillion, loss } = self.config;
  const bytes = Math.min(envelope.bytes, FRAME_PAYLOAD);
  let arrivalNs = firstArrivalNs;
  let rtoNs = self.config.rtoNs;
  for (let sent = 0; chance(self, "loss", lossPerMillion, loss); sent++) {
    if (sent === MAX_RETRANSMISSIONS) return drop(self, envelope, "connection reset");
    arrivalNs += rtoNs;
    rtoNs *= 2;
    self.measure("retransmissions", 1);
    self.after(arrivalNs - self.simulatedNs, "retransmit", { side, bytes });
  }
  const last = arrivalOf(editDirection(self, side).arrivals, envelope, self.simulatedNs);
  last.atNs = Math.max(arrivalNs, last.atNs);
  self.deliver(envelope, last.atNs - self.simulatedNs);
}

/** Puts bytes on the wire behind those before; when the last of them has left. */
function occupy(self: LinkEntity, side: number, bytes: number): number {
  const { bitsPerSecond } = self.config;
  const frames = Math.max(1, Math.ceil(bytes / FRAME_PAYLOAD));
  const wireBytes = bytes + frames * FRAME_OVERHEAD;
  const takesNs = Math.ceil(transferNs(wireBytes, bitsPerSecond) * self.durable.slowFactor);
  const startNs = Math.max(self.simulatedNs, freeAtNs(self, side));
  if (startNs > self.simulatedNs) self.measure("queue-ns", startNs - self.simulatedNs);
  self.measure("bytes", bytes);
  const endNs = Math.max(startNs + takesNs, occupyNics(self, side, startNs, wireBytes));
  editDirection(self, side).busyUntilNs = startNs + takesNs;
  return endNs;
}

/** When wire and interfaces are all free. */
function freeAtNs(self: LinkEntity, side: number): number {
  const { busyUntilNs } = self.durable.directions[side]!;
  const [from, to] = nicsOf(self, side);
  return Math.max(
    busyUntilNs,
    from?.durable.sendingUntilNs ?? 0,
    to?.durable.receivingUntilNs ?? 0,
  );
}

/** When the last byte has passed the interfaces. */
function occupyNics(self: LinkEntity, side: number, startNs: number, wireBytes: number): number {
  const [from, to] = nicsOf(self, side);
  let endNs = startNs;
  if (from !== undefined) {
    const untilNs = startNs + transferNs(wireBytes, from.config.bitsPerSecond);
    from.editDurable().sendingUntilNs = untilNs;
    endNs = Math.max(endNs, untilNs);
  }
  if (to !== undefined) {
    const untilNs = startNs + transferNs(wireBytes, to.config.bitsPerSecond);
    to.editDurable().receivingUntilNs = untilNs;
    endNs = Math.max(endNs, untilNs);
  }
  return endNs;
}

function nicsOf(self: LinkEntity, side: number): [NicEntity | undefined, NicEntity | undefined] {
  const { nics } = self.config;
  return [nicOf(self, nics[side]!), nicOf(self, nics[1 - side]!)];
}

const nicOf = (self: LinkEntity, id: EntityId): NicEntity | undefined =>
  id < 0 ? undefined : (self.world.entity(id) as unknown as NicEntity);

function jitter(self: LinkEntity): number {
  return self.config.jitterNs === 0 ? 0 : self.draw("jitter", self.config.jitter);
}

function chance(self: LinkEntity, purpose: string, perMillion: number, of: Distribution): boolean {
  return perMillion > 0 && self.draw(purpose, of) === 1;
}

function drop(self: LinkEntity, envelope: Envelope, why: string): void {
  self.measure("dropped", 1);
  self.notice("dropped", { why, to: self.world.entityOrNone(envelope.to)?.name ?? null });
}

function setCut(self: LinkEntity, from: DomainId, cut: boolean): void {
  self.durable.directions.forEach((_, side) => {
    if (from >= 0 && sideOf(self, from) !== side) return;
    editDirection(self, side).cut = cut;
    if (cut) for (const envelope of emptyQueue(self, side)) carryIntoCut(self, side, envelope);
  });
}

/** Takes all that waits for the wire, whole messages, in the order of their flows. */
function emptyQueue(self: LinkEntity, side: number): Envelope[] {
  const direction = editDirection(self, side);
  const { queue } = direction;
  direction.queue = [];
  direction.queuedBytes = 0;
  return queue.flatMap(({ messages }) => messages.map(({ envelope }) => envelope as Envelope));
}

function releaseHeld(self: LinkEntity): void {
  self.durable.directions.forEach(({ cut, held }, side) => {
    if (cut || held.length === 0) return;
    editDirection(self, side).held = [];
    for (const { envelope } of held) transmit(self, side, envelope);
  });
}

/** What a machine had not put on the wire yet goes with it. */
function forgetSender(self: LinkEntity, domain: string): void {
  self.config.ends.forEach((end, side) => {
    const { queue, held } = self.durable.directions[side]!;
    if (self.world.registry.domain(end).name !== domain) return;
    if (queue.length === 0 && held.length === 0) return;
    for (const envelope of emptyQueue(self, side)) drop(self, envelope, "sender lost");
    for (const { envelope } of held) drop(self, envelope, "sender lost");
    editDirection(self, side).held = [];
  });
}

/** Connections that heard nothing for too long are reset: all that waits on them is lost. */
function giveUp(self: LinkEntity): void {
  const oldestNs = self.simulatedNs - self.config.giveUpNs;
  self.durable.directions.forEach(({ held }, side) => {
    const late = held.filter(({ sinceNs }) => sinceNs <= oldestNs);
    const flows = new Set(late.map(({ envelope }) => flowOf(envelope)));
    if (flows.size === 0) return;
    const direction = editDirection(self, side);
    direction.held = direction.held.filter(({ envelope }) => !flows.has(flowOf(envelope)));
    for (const { envelope } of held) {
      if (flows.has(flowOf(envelope))) drop(self, envelope, "connection reset");
    }
  });
}

const flowOf = ({ from, to }: Envelope): string => `${from}>${to}`;

function sideOf(self: LinkEntity, from: DomainId): 0 | 1 {
  return self.config.ends[0] === from ? 0 : 1;
}

function editDirection(self: LinkEntity, side: number): Editable<Direction> {
  return self.editDurable().directions[side]!;
}
