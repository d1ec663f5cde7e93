/**
 * Random timeline entries and faults, made from what their kind's schema says and from what the
 * document has: an operation or fault that a scenario brings along is drawn like a built-in one.
 */
import {
  type Extension,
  type JsonSchema,
  type JsonValue,
  keepsPoints,
  type ResolvedScenario,
} from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed, subset } from "./chooser.ts";
import { candidates, type Members } from "./references.ts";

/** What a pilot run of the document showed. */
export interface Ground {
  /** Phases of each kind of operation, as far as they were seen. */
  readonly phases: { readonly [kind: string]: readonly string[] };
  /** Durable steps, and until when something was done. */
  readonly steps: number;
  readonly busyMs: number;
  /** Draws that delay something, by stream, with how many there were. */
  readonly delays: readonly {
    readonly entity: string;
    readonly purpose: string;
    readonly draws: number;
  }[];
}

/** Members that name an operation want one of these kinds. */
const WANTED: { readonly [member: string]: readonly string[] } = {
  point: ["snapshot", "backup"],
  backup: ["backup", "disk-checkpoint"],
  checkpoint: ["checkpoint"],
  base: ["checkpoint"],
  operation: ["consolidate", "promote", "backup"],
};

/** Members that may name an operation, and need not: what they say otherwise. */
const WORDS: { readonly [member: string]: string } = { base: "last" };

/** How long faults last, and until what is down comes back: mostly, and of a hundred so many. */
const SHORT_MS = 400;
const LONG_PERCENT = 15;
/** Longer than requests wait for an answer, which then comes too late. */
const LONG_MS = { least: 2_000, most: 7_000 };

function reference(
  chooser: Chooser,
  member: string,
  extension: Extension,
  document: ResolvedScenario,
  made: { [member: string]: JsonValue },
): JsonValue | undefined {
  const target = extension.references![member]!;
  const timeline = document.timeline as unknown as readonly Members[];
  let names = candidates(target, document, timeline, made["vm"]);
  if (target === "operation") names = fittingOperations(member, timeline, made["vm"]);
  if (member === "to" && extension.family === "fault") {
    names = names.filter((name) => name !== made["from"]);
  }
  if (names.length === 0) return undefined;
  const promising = names.filter((name) => isPromising(name, member, extension, document, made));
  if (promising.length > 0 && chance(chooser, PROMISING_PERCENT)) names = promising;
  const schema = extension.parameters.properties?.[member];
  if (schema?.type !== "array") return oneOf(chooser, names);
  const some = subset(chooser, names);
  return some.length === 0 ? [oneOf(chooser, names)] : [...some];
}

/** Of a hundred names so many are drawn from those with which an operation is not refused at once. */
const PROMISING_PERCENT = 85;

/** Operations on disks that keep points in time. */
const NEEDS_POINTS: ReadonlySet<string> = new Set([
  "snapshot",
  "revert",
  "delete-snapshot",
  "consolidate",
  "linked-clone",
  "promote",
  "clone",
  "migrate-disk-format",
  "backup",
  "disk-checkpoint",
]);

/** A VM whose disks can do it; another VM, or another host, than the one that it is about. */
function isPromising(
  name: string,
  member: string,
  { name: kind, references = {} }: Extension,
  { vms }: ResolvedScenario,
  made: Members,
): boolean {
  const vm = vms.find(({ id }) => id === (member === "vm" ? name : made["vm"]));
  if (member === "vm") {
    const isAble = (able: (disk: Disk) => boolean): boolean => vm?.disks.some(able) ?? false;
    // A checkpoint takes points in time of redo logs alone.
    if (made["withDisks"] === true) return isAble((disk) => disk.kind === "redo");
    return !NEEDS_POINTS.has(kind) || isAble(keepsPoints);
  }
  if (references[member] === "vm") return name !== vm?.id;
  return member !== "to" || references[member] !== "host" || name !== vm?.host;
}

type Disk = ResolvedScenario["vms"][number]["disks"][number];

/** Entries that a member may name, of the same VM. */
function fittingOperations(
  member: string,
  timeline: readonly Members[],
  vm: JsonValue | undefined,
): readonly string[] {
  const kinds = WANTED[member];
  const fitting = timeline.filter(
    (entry) =>
      (kinds === undefined || kinds.includes(String(entry["do"]))) &&
      (vm === undefined || entry["vm"] === undefined || entry["vm"] === vm),
  );
  return fitting.map(({ id }) => String(id));
}

/** The operation that a word stands for as well: now one, now the other. */
function operationOrWord(
  chooser: Chooser,
  member: string,
  document: ResolvedScenario,
  vm: JsonValue | undefined,
): JsonValue {
  const timeline = document.timeline as unknown as readonly Members[];
  return oneOf(chooser, [WORDS[member]!, ...fittingOperations(member, timeline, vm)]);
}

function number(chooser: Chooser, schema: JsonSchema): number {
  const step = schema.multipleOf ?? 1;
  const low = Math.max(schema.minimum ?? 0, schema.exclusiveMinimum ?? 0, 0);
  const usual = typeof schema.default === "number" ? schema.default * 4 : 64;
  const high = Math.min(schema.maximum ?? usual, Math.max(usual, low + 1));
  const first = schema.exclusiveMinimum === undefined ? Math.ceil(low) : Math.floor(low) + 1;
  return skewed(chooser, first, Math.max(first, Math.floor(high))) * (step > 1 ? step : 1);
}

function value(chooser: Chooser, member: string, schema: JsonSchema): JsonValue | undefined {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return oneOf(chooser, schema.enum);
  switch ([schema.type].flat()[0]) {
    case "boolean":
      return chance(chooser, 50);
    case "integer":
    case "number":
      return number(chooser, schema);
    case "string":
      return schema.pattern === undefined ? undefined : `${member}-${between(chooser, 1, 3)}`;
    default:
      return undefined;
  }
}

const lasting = (chooser: Chooser): number =>
  chance(chooser, LONG_PERCENT)
    ? between(chooser, LONG_MS.least, LONG_MS.most)
    : skewed(chooser, 1, SHORT_MS);

/** One of the sensors that the host has. */
function sensorOf(
  chooser: Chooser,
  { hosts }: ResolvedScenario,
  host: JsonValue | undefined,
): JsonValue | undefined {
  const sensors = hosts.find(({ id }) => id === host)?.sensors ?? [];
  return sensors.length === 0 ? undefined : oneOf(chooser, sensors).id;
}

const isTime = (member: string): boolean => /^(durationMs|restartAfterMs|overMs)$/.test(member);

/**
 * The own members of an entry of this kind; undefined when the document lacks what it needs. What
 * breaks is mended again: a search that leaves the world broken finds nothing behind it.
 */
function ownMembers(
  chooser: Chooser,
  extension: Extension,
  document: ResolvedScenario,
  given: Members = {},
): Members | undefined {
  const made: { [member: string]: JsonValue } = { ...given };
  const { properties = {}, required = [] } = extension.parameters;
  for (const [member, schema] of Object.entries(properties)) {
    if (given[member] !== undefined) continue;
    const isRequired = required.includes(member);
    const isReference = extension.references?.[member] !== undefined;
    const mends = extension.family === "fault" && isTime(member);
    if (!isRequired && !mends && !chance(chooser, isReference ? 70 : 40)) continue;
    const drawn =
      WORDS[member] !== undefined
        ? operationOrWord(chooser, member, document, made["vm"])
        : isReference
          ? reference(chooser, member, extension, document, made)
          : mends
            ? lasting(chooser)
            : member === "sensor"
              ? sensorOf(chooser, document, made["host"])
              : value(chooser, member, schema);
    if (drawn !== undefined) made[member] = drawn;
    else if (isRequired) return undefined;
  }
  return made;
}

/** An operation that begins at any time, or with a phase of another one. */
export function drawEntry(
  chooser: Chooser,
  extension: Extension,
  document: ResolvedScenario,
  ground: Ground,
  id: string,
  given: Members = {},
): Members | undefined {
  const members = ownMembers(chooser, extension, document, given);
  if (members === undefined) return undefined;
  const other = chance(chooser, 50) ? momentOf(chooser, document, ground) : undefined;
  const when =
    other === undefined
      ? { atMs: thousandths(chooser, ground.busyMs) }
      : { after: other, delayMs: chance(chooser, 60) ? 0 : thousandths(chooser, 5) };
  return { id, ...when, do: extension.name, ...members };
}

/** An operation that begins when another one has ended, or while it is under way. */
export function drawNextEntry(
  chooser: Chooser,
  extension: Extension,
  document: ResolvedScenario,
  ground: Ground,
  id: string,
  given: Members,
  before: string,
): Members | undefined {
  const members = ownMembers(chooser, extension, document, given);
  const entry = document.timeline.find((each) => each.id === before);
  if (members === undefined || entry === undefined) return undefined;
  const phase = chance(chooser, 80) ? "ended" : phaseOf(chooser, entry.do, ground.phases);
  const delayMs = chance(chooser, 60) ? 0 : thousandths(chooser, 5);
  return { id, after: `${before}.${phase}`, delayMs, do: extension.name, ...members };
}

/** A fault with a durable step, in a phase of an operation, or at any time. */
export function drawFault(
  chooser: Chooser,
  extension: Extension,
  document: ResolvedScenario,
  ground: Ground,
): Members | undefined {
  const members = ownMembers(chooser, extension, document);
  if (members === undefined) return undefined;
  return { kind: extension.name, ...drawMoment(chooser, document, ground), ...members };
}

/** The same fault with a durable step, whenever it was to strike. */
export function strikingAt(fault: Members, atStep: number): Members {
  const { atMs: _, during: __, delayUs: ___, ...what } = fault;
  return { ...what, atStep };
}

export function drawMoment(chooser: Chooser, document: ResolvedScenario, ground: Ground): Members {
  const way = chooser.below(100);
  const during = way < 45 ? momentOf(chooser, document, ground) : undefined;
  if (during !== undefined) {
    const delayUs = chance(chooser, 50) ? 0 : skewed(chooser, 1, 5_000);
    return { during, delayUs };
  }
  if (way < 85) return { atStep: between(chooser, 1, Math.max(1, ground.steps)) };
  return { atMs: thousandths(chooser, ground.busyMs) };
}

/** `operation.phase` of an operation of the document. */
function momentOf(
  chooser: Chooser,
  { timeline }: ResolvedScenario,
  { phases }: Ground,
): string | undefined {
  if (timeline.length === 0) return undefined;
  const { id, do: kind } = oneOf(chooser, timeline);
  return `${id}.${phaseOf(chooser, kind, phases)}`;
}

function phaseOf(chooser: Chooser, kind: string, phases: Ground["phases"]): string {
  const seen = (phases[kind] ?? []).filter((phase) => /^[A-Za-z][\w-]*$/.test(phase));
  return oneOf(chooser, [...seen, "complete", "ended"]);
}

/** Milliseconds with three digits. */
const thousandths = (chooser: Chooser, upTo: number): number =>
  between(chooser, 0, Math.max(1, Math.round(upTo * 1_000))) / 1_000;
