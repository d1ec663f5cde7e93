/**
 * A link between two failure domains: two directions, each a queue in front of a wire. A message
 * waits until the wire is free, takes its time on it, and arrives a latency later. Datagrams can be
 * lost, doubled, overtaken, and dropped when the queue is full; a stream arrives whole and in
 * order, each loss costing it a retransmission time-out, twice as long each time.
 *
 * Must hold: what is on the wire survives a crash of its sender. While a direction is cut, datagrams
 * into it are lost and streams wait; a stream that waited for `giveUpNs` is reset: its messages are
 * lost, as a connection's are.
 */
import {
  bernoulli,
  component,
  type DomainId,
  type Distribution,
  type Editable,
  type Entity,
  type Envelope,
  type Request,
  transferNs,
  uniform,
  type World,
} from "../../kernel/index.ts";

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
};

type LinkConfig = Required<LinkOptions> & {
  readonly jitter: Distribution;
  readonly loss: Distribution;
  readonly duplicate: Distribution;
  readonly reorder: Distribution;
};

type Direction = {
  /** The wire is taken until then. */
  readonly busyUntilNs: number;
  readonly cut: boolean;
  /** Last arrival of each stream, by sender and receiver: the next cannot arrive before it. */
  readonly lastArrivalNs: { readonly [flow: string]: number };
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

const idle = (): Direction => ({ busyUntilNs: 0, cut: false, lastArrivalNs: {}, held: [] });

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
  },
  carry: (self, envelope) => carry(self, envelope),
});

/** A link in a domain of its own, connected both ways. */
export function spawnLink(world: World, name: string, options: LinkOptions): LinkEntity {
  const domain = world.addDomain(name);
  const { jitterNs, lossPerMillion, duplicatePerMillion, reorderPerMillion } = options;
  const config: LinkConfig = {
    rtoNs: DEFAULT_RTO_NS,
    giveUpNs: DEFAULT_GIVE_UP_NS,
    ...options,
    jitter: uniform(Math.max(1, jitterNs + 1)),
    loss: bernoulli(lossPerMillion),
    duplicate: bernoulli(duplicatePerMillion),
    reorder: bernoulli(reorderPerMillion),
  };
  const entity = world.spawn(link, config, { domain, name });
  const [a, b] = options.ends;
  world.messenger.connect(a, b, entity.id);
  world.messenger.connect(b, a, entity.id);
  return entity;
}

function carry(self: LinkEntity, envelope: Envelope): void {
  const side = sideOf(self, self.world.entity(envelope.from).domain);
  const direction = self.durable.directions[side]!;
  if (direction.cut) return carryIntoCut(self, side, envelope);
  if (envelope.delivery === "datagram") sendDatagram(self, side, envelope);
  else sendStream(self, side, envelope);
}

function carryIntoCut(self: LinkEntity, side: number, envelope: Envelope): void {
  if (envelope.delivery === "datagram") return drop(self, envelope, "partition");
  const direction = editDirection(self, side);
  direction.held.push({ envelope, sinceNs: self.simulatedNs } as Editable<Direction>["held"][0]);
  self.after(self.config.giveUpNs, "give-up");
}

function sendDatagram(self: LinkEntity, side: number, envelope: Envelope): void {
  const { config } = self;
  const { busyUntilNs } = self.durable.directions[side]!;
  const waitingNs = Math.max(0, busyUntilNs - self.simulatedNs);
  const queuedBytes = (waitingNs * config.bitsPerSecond) / 8e9;
  if (queuedBytes > config.queueBytes) return drop(self, envelope, "queue full");
  const arrivalNs = occupy(self, side, envelope.bytes);
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

function sendStream(self: LinkEntity, side: number, envelope: Envelope): void {
  let arrivalNs = occupy(self, side, envelope.bytes);
  let rtoNs = self.config.rtoNs;
  const { lossPerMillion, loss } = self.config;
  for (let sent = 0; chance(self, "loss", lossPerMillion, loss); sent++) {
    if (sent === MAX_RETRANSMISSIONS) return drop(self, envelope, "connection reset");
    arrivalNs += rtoNs;
    rtoNs *= 2;
    self.measure("retransmissions", 1);
  }
  const flow = flowOf(envelope);
  const { lastArrivalNs } = editDirection(self, side);
  arrivalNs = Math.max(arrivalNs, lastArrivalNs[flow] ?? 0);
  lastArrivalNs[flow] = arrivalNs;
  self.deliver(envelope, arrivalNs - self.simulatedNs);
}

/** Puts bytes on the wire behind those before; when the last of them arrives. */
function occupy(self: LinkEntity, side: number, bytes: number): number {
  const { bitsPerSecond, latencyNs } = self.config;
  const { slowFactor } = self.durable;
  const frames = Math.max(1, Math.ceil(bytes / FRAME_PAYLOAD));
  const wireBytes = bytes + frames * FRAME_OVERHEAD;
  const takesNs = Math.ceil(transferNs(wireBytes, bitsPerSecond) * slowFactor);
  const direction = editDirection(self, side);
  const startNs = Math.max(direction.busyUntilNs, self.simulatedNs);
  if (startNs > self.simulatedNs) self.measure("queue-ns", startNs - self.simulatedNs);
  self.measure("bytes", bytes);
  direction.busyUntilNs = startNs + takesNs;
  return startNs + takesNs + Math.ceil(latencyNs * slowFactor) + jitter(self);
}

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
  const { directions } = self.editDurable();
  directions.forEach((direction, side) => {
    if (from < 0 || sideOf(self, from) === side) direction.cut = cut;
  });
}

function releaseHeld(self: LinkEntity): void {
  self.durable.directions.forEach(({ cut, held }, side) => {
    if (cut || held.length === 0) return;
    editDirection(self, side).held = [];
    for (const { envelope } of held) sendStream(self, side, envelope);
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
