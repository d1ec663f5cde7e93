/**
 * Random timeline entries and faults, made from what their kind's schema says and from what the
 * document has: an operation or fault that a scenario brings along is drawn like a built-in one.
 */
import type { Extension, JsonSchema, JsonValue, ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed } from "./chooser.ts";
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
};

/** How long faults last, and until what is down comes back. */
const LONGEST_MS = 400;

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
  if (target === "operation") {
    const kinds = WANTED[member];
    const fitting = timeline.filter(
      (entry) =>
        (kinds === undefined || kinds.includes(String(entry["do"]))) &&
        (made["vm"] === undefined || entry["vm"] === undefined || entry["vm"] === made["vm"]),
    );
    names = fitting.map(({ id }) => String(id));
  }
  if (member === "to" && extension.family === "fault") {
    names = names.filter((name) => name !== made["from"]);
  }
  if (names.length === 0) return undefined;
  const schema = extension.parameters.properties?.[member];
  const name = oneOf(chooser, names);
  return schema?.type === "array" ? [name] : name;
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

const isTime = (member: string): boolean => /^(durationMs|restartAfterMs|overMs)$/.test(member);

/**
 * The own members of an entry of this kind; undefined when the document lacks what it needs. What
 * breaks is mended again: a search that leaves the world broken finds nothing behind it.
 */
function ownMembers(
  chooser: Chooser,
  extension: Extension,
  document: ResolvedScenario,
): Members | undefined {
  const made: { [member: string]: JsonValue } = {};
  const { properties = {}, required = [] } = extension.parameters;
  for (const [member, schema] of Object.entries(properties)) {
    const isRequired = required.includes(member);
    const isReference = extension.references?.[member] !== undefined;
    const mends = extension.family === "fault" && isTime(member);
    if (!isRequired && !mends && !chance(chooser, isReference ? 70 : 40)) continue;
    const drawn = isReference
      ? reference(chooser, member, extension, document, made)
      : mends
        ? skewed(chooser, 1, LONGEST_MS)
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
): Members | undefined {
  const members = ownMembers(chooser, extension, document);
  if (members === undefined) return undefined;
  const other = chance(chooser, 50) ? momentOf(chooser, document, ground) : undefined;
  const when =
    other === undefined
      ? { atMs: thousandths(chooser, ground.busyMs) }
      : { after: other, delayMs: chance(chooser, 60) ? 0 : thousandths(chooser, 5) };
  return { id, ...when, do: extension.name, ...members };
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
  const seen = (phases[kind] ?? []).filter((phase) => /^[A-Za-z][\w-]*$/.test(phase));
  return `${id}.${oneOf(chooser, [...seen, "complete"])}`;
}

/** Milliseconds with three digits. */
const thousandths = (chooser: Chooser, upTo: number): number =>
  between(chooser, 0, Math.max(1, Math.round(upTo * 1_000))) / 1_000;
