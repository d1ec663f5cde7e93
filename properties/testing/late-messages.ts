/**
 * What an operation asks of an array, one request at a time: how each is made late or lost, or its
 * answer is, as a link's retransmissions and resets do it. Messages of the same two ends come after
 * one that is late, in order; all others go on.
 */
import { expect } from "vitest";
import {
  captureWorld,
  type EntityId,
  type Envelope,
  fromMs,
  restoreWorld,
  type World,
} from "../../core/kernel/index.ts";
import { afterEach, crash, crashPoints, outcomesOf, sampled } from "./crash-points.ts";

interface ArrayRequest {
  /** Among those of the run, from 0. */
  readonly at: number;
  readonly verb: string;
  /** File or volume that it is about. */
  readonly name: string;
}

/** How a message fares. */
type Fate = "request late" | "answer late" | "request lost" | "answer lost";

/** How often it is looked whether the message was sent: shorter than anything is late. */
const STEP_MS = 100;

/** What an open request of an entity is answered under. */
const ANSWER = "@reply";

type Asked = { readonly askId: number; readonly body: { readonly name?: string } | null };

const nameIn = ({ arg }: Envelope): string => (arg as Asked).body?.name ?? "";

type Each = (request: ArrayRequest | undefined, envelope: Envelope) => "carry" | "keep";

/** Operations, by id: these, and the parts of them. */
type Of = readonly string[];

const isOf = (id: string, of: Of): boolean =>
  of.some((each) => id === each || id.startsWith(`${each}.`));

/** Each message from now on; with what it asks of the array, where an operation of `of` sent it. */
function intercept(world: World, array: EntityId, of: Of, each: Each): void {
  const carry = Object.getPrototypeOf(world).carry as World["carry"];
  let next = 0;
  const isAsked = ({ from, to, handler }: Envelope): boolean => {
    if (to !== array || handler === ANSWER) return false;
    const { kind, config } = world.entity(from);
    return kind.startsWith("operation:") && isOf((config as { id: string }).id, of);
  };
  world.carry = (via, envelope) => {
    const what = { verb: envelope.handler, name: nameIn(envelope) };
    const request = isAsked(envelope) ? { at: next++, ...what } : undefined;
    if (each(request, envelope) === "carry") carry.call(world, via, envelope);
  };
}

function stopIntercepting(world: World): void {
  delete (world as { carry?: unknown }).carry;
}

/** What operations `of` ask of an array until `untilNs`; the world is run until then. */
function requestsUntil(world: World, array: string, of: Of, untilNs: number): ArrayRequest[] {
  const requests: ArrayRequest[] = [];
  intercept(world, world.named(array).id, of, (request) => {
    if (request !== undefined) requests.push(request);
    return "carry";
  });
  world.run({ untilNs });
  stopIntercepting(world);
  return requests;
}

interface Faring {
  readonly array: string;
  readonly of: Of;
  /** Which of the requests. */
  readonly at: number;
  readonly fate: Fate;
  readonly lateMs: number;
  readonly untilNs: number;
}

/** Runs the world to `untilNs`; one request to the array, or its answer, fares as told. */
function runWith(world: World, { array, of, at, fate, lateMs, untilNs }: Faring): void {
  const [what, how] = fate.split(" ");
  const held: Envelope[] = [];
  let asked = { from: -1, askId: -1 };
  let releaseNs = Infinity;
  const keep = (envelope: Envelope): "keep" => {
    if (how === "late") {
      held.push(structuredClone(envelope));
      if (releaseNs === Infinity) releaseNs = world.timeNs + fromMs(lateMs);
    }
    return "keep";
  };
  intercept(world, world.named(array).id, of, (request, envelope) => {
    const { from, to, handler, arg } = envelope;
    const { askId } = arg as Asked;
    if (request?.at === at) asked = { from, askId };
    const isMeant =
      what === "request"
        ? request?.at === at
        : handler === ANSWER && to === asked.from && askId === asked.askId;
    const [first] = held;
    const comesAfter = first?.from === from && first.to === to;
    return isMeant || comesAfter ? keep(envelope) : "carry";
  });
  for (let ns = world.timeNs; held.length === 0 && ns < untilNs; ns += fromMs(STEP_MS)) {
    world.run({ untilNs: ns });
  }
  world.run({ untilNs: Math.min(releaseNs, untilNs) });
  stopIntercepting(world);
  for (const envelope of held) world.messenger.arrive(envelope, 0);
  world.run({ untilNs });
}

const FATES: readonly Fate[] = ["request late", "answer late", "request lost", "answer lost"];
/** Longer than an operation waits for an answer. */
const LATE_MS = 6_000;
/** Whatever was late has come by then, and what was lost was asked for again. */
export const SETTLED_MS = 19_400;

/** Of requests of operations whose id begins so: the one that is tried, and its parts. */
const MEANT = "op";

type Outcomes = ReturnType<typeof outcomesOf>;

interface Trial {
  /** The array whose messages fare badly. */
  readonly array: string;
  /** Every how manieth is tried; all of them in a hunt. */
  readonly every: number;
  /** How late what is late comes; absent: later than an operation waits for it. */
  readonly lateMs?: number;
  /** When all has settled. */
  readonly settledMs?: number;
  /** Absent: each of them. */
  readonly fates?: readonly Fate[];
  /** When all has settled: the same where what follows is the same. */
  readonly settled: (outcome: string, where: string) => string;
  /** Goes on from there, once for each such state. */
  readonly goOn: (outcomes: Outcomes, where: string) => void;
}

/** Of a world right before operation `op`: each message between it and an array fares in each way. */
export function tryEachFate(world: World, trial: Trial): void {
  const { array, every, settled, goOn } = trial;
  const { lateMs = LATE_MS, settledMs = SETTLED_MS, fates = FATES } = trial;
  const image = captureWorld(world);
  const untilNs = fromMs(settledMs);
  const requests = requestsUntil(world, array, [MEANT], untilNs);
  expect(requests.length).toBeGreaterThan(2);
  const cases = requests.flatMap((request) => fates.map((fate) => ({ ...request, fate })));
  const known = new Set<string>();
  for (const { at, fate, verb, name } of sampled(cases, every)) {
    restoreWorld(world, image);
    const outcomes = outcomesOf(world);
    const where = `${fate}: ${verb} ${name}`;
    runWith(world, { array, of: [MEANT], at, fate, lateMs, untilNs });
    expect(outcomes[MEANT], where).toBeDefined();
    const state = settled(outcomes[MEANT]!, where);
    if (known.has(state)) continue;
    known.add(state);
    goOn(outcomes, where);
  }
}

/** What comes late of that changes nothing. */
const LOOKS = /read|list|scan|allocated/;

interface LostTrial {
  readonly array: string;
  /** Every how manieth request that changes something is tried; and step of what settles it. */
  readonly every: number;
  readonly everyStep: number;
  /** Of the requests, the first that is tried. */
  readonly from?: number;
  /** Whose requests; absent: those of {@link MEANT}. */
  readonly of?: Of;
  /** All is settled. */
  readonly endMs: number;
  /** Operations of what settles it, by id. */
  readonly isRecovery: (id: string) => boolean;
  readonly settled: (outcomes: Outcomes, where: string) => void;
}

/**
 * Of a world right before operation `op`, or others: its host is lost as soon as it has sent a request,
 * which reaches the array only at a step of the recovery, or after it. How often that was tried.
 */
export function tryEachOfLost(world: World, trial: LostTrial): number {
  const { array, every, from, everyStep, endMs, isRecovery, settled, of = [MEANT] } = trial;
  const before = captureWorld(world);
  const untilNs = fromMs(endMs);
  const requests = requestsUntil(world, array, of, untilNs);
  const changes = requests.filter(({ verb }) => !LOOKS.test(verb));
  let tried = 0;
  for (const { at, verb, name } of sampled(changes, every, from)) {
    restoreWorld(world, before);
    const late = loseSender(world, array, of, at);
    const points = crashPoints(world, untilNs, isRecovery);
    afterEach(world, captureWorld(world), sampled(points, everyStep, at), (point) => {
      const outcomes = outcomesOf(world);
      const where = `${verb} ${name} comes at ${point.at}`;
      comes(world, array, late, where);
      world.run({ untilNs });
      settled(outcomes, where);
      tried++;
    });
  }
  return tried;
}

interface Late {
  readonly envelope: Envelope;
  /** Where it is about an intent: the operation that had opened the one of that moment. */
  readonly openedBy: string | undefined;
}

/** Runs on until the request is sent, and its host is lost; the request stays on its way. */
function loseSender(world: World, array: string, of: Of, at: number): Late {
  const late: Envelope[] = [];
  intercept(world, world.named(array).id, of, (request, envelope) => {
    if (request?.at !== at) return "carry";
    late.push(structuredClone(envelope));
    return "keep";
  });
  while (late.length === 0) world.run({ untilEvent: world.eventCount + 1 });
  stopIntercepting(world);
  const [envelope] = late;
  crash(world, world.registry.domain(world.entity(envelope!.from).domain).name);
  return { envelope: envelope!, openedBy: openerOf(world, array, nameIn(envelope!)) };
}

interface ArrayState {
  readonly durable: { readonly files: { readonly [key: string]: { readonly value?: unknown } } };
  readonly volatile: { readonly waiting: readonly Queued[]; readonly active: readonly Queued[] };
}

type Queued = { readonly request: { readonly from: EntityId; readonly askId: number } };

const stateOf = (world: World, array: string): ArrayState =>
  world.named(array) as unknown as ArrayState;

/** The operation that opened an intent; undefined: it is not open, or no intent. */
function openerOf(world: World, array: string, name: string): string | undefined {
  const { value } = stateOf(world, array).durable.files[`file:${name}`] ?? {};
  return (value as { readonly operation?: string } | undefined)?.operation;
}

/** It comes. What closes an intent closes none that another operation has opened since. */
function comes(world: World, array: string, { envelope, openedBy }: Late, where: string): void {
  world.messenger.arrive(envelope, 0);
  const name = nameIn(envelope);
  if (envelope.handler !== "file-delete" || !name.endsWith("intent")) return;
  const { askId } = envelope.arg as Asked;
  const isThere = (): boolean => {
    const { waiting, active } = stateOf(world, array).volatile;
    const all = [...waiting, ...active];
    return all.some(({ request: { from, askId: id } }) => from === envelope.from && id === askId);
  };
  const step = (): void => void world.run({ untilEvent: world.eventCount + 1 });
  while (!isThere()) step();
  while (isThere()) {
    const open = openerOf(world, array, name);
    step();
    if (isThere() || open === undefined || open === openedBy) continue;
    expect(openerOf(world, array, name), `${where}: the intent of another operation`).toBe(open);
  }
}

interface Held {
  readonly array: string;
  /** The operation whose request it is, what it asks for, and of which file. */
  readonly of: string;
  readonly verb: "file-read" | "file-write";
  readonly file: string;
  /** The operation that ends first. */
  readonly after: string;
  readonly untilNs: number;
}

/** Runs on; what one operation asks of a file comes when another has ended. How all ended. */
export function requestAfter(world: World, trial: Held): Outcomes {
  const { array, of, verb, file, after, untilNs } = trial;
  const outcomes = outcomesOf(world);
  const held: Envelope[] = [];
  intercept(world, world.named(array).id, [of], (request, envelope) => {
    if (request?.verb !== verb || request.name !== file) return "carry";
    held.push(structuredClone(envelope));
    return "keep";
  });
  while (outcomes[after] === undefined) world.run({ untilEvent: world.eventCount + 1 });
  stopIntercepting(world);
  for (const envelope of held) world.messenger.arrive(envelope, 0);
  world.run({ untilNs });
  return outcomes;
}
