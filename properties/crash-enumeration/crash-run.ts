/**
 * One run with a crash at its end of a list of faults, and every way in which that crash can leave
 * what was not flushed: the draws that decide it are tried one by one, as a tree.
 */
import {
  canonicalBytes,
  type Distribution,
  entityDigests,
  hash64,
  hashHex,
  type Plain,
  type World,
} from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import { runDocument, type RunRecord } from "../explorer/run-document.ts";

export type Choice = NonNullable<ResolvedScenario["choices"]>[number];

/** Draws that a device makes when its power goes, to decide what had reached the medium. */
const DECIDES_LOSS = /^crash-/;

interface LossDraw extends Choice {
  /** Results that it can have, from 0. */
  readonly options: number;
}

export interface CrashRun {
  readonly record: RunRecord;
  /** The whole state right after the crash; undefined when it never came. */
  readonly state: string | undefined;
  /** The event of the crash. */
  readonly stateEvent: number;
  /** What recovery decides by: small files and what volumes there are. */
  readonly metadata: string;
  /** VMs that ran when the first crash came, and those that run at the end. */
  readonly ranBefore: readonly string[];
  readonly runAtEnd: readonly string[];
  readonly losses: readonly LossDraw[];
}

/**
 * `crashes`: how many there will be; the state after the last of them is the one looked at, and where
 * it is `known` the run ends right there. What
 * `taken` does not say of its losses is the first that can be: nothing that was not flushed is left.
 */
export function runCrash(
  scenario: ReadyScenario,
  document: ResolvedScenario,
  crashes: number,
  known: ReadonlySet<string>,
  taken: readonly Choice[],
): CrashRun {
  const losses: LossDraw[] = [];
  const fixed = new Map(taken.map((each) => [keyOf(each), each.result]));
  let seen = 0;
  let state: string | undefined;
  let stateEvent = 0;
  let metadata = "";
  let ranBefore: readonly string[] | undefined;
  let runAtEnd: readonly string[] = [];
  const record = runDocument(scenario, document, {
    steer: (draw) => {
      const { entity, purpose, position: at, distribution } = draw;
      const options = DECIDES_LOSS.test(purpose) ? optionsOf(distribution) : 0;
      if (options === 0) return undefined;
      const result = fixed.get(keyOf({ entity, purpose, at })) ?? 0;
      losses.push({ entity, purpose, at, result, options });
      return result;
    },
    watch: ({ kind, data }, world) => {
      // Told of before it strikes.
      if (kind === "fault") ranBefore ??= runningVms(world, document);
      if (kind !== "crash" || ++seen !== crashes) return;
      metadata = metadataOf(world);
      state = `${String(data["domain"])} ${stateOf(world)}`;
      stateEvent = world.eventCount;
      if (known.has(state)) world.stop();
    },
    onEnd: (world) => {
      runAtEnd = runningVms(world, document);
    },
  });
  return { record, losses, state, stateEvent, metadata, ranBefore: ranBefore ?? [], runAtEnd };
}

const keyOf = ({ entity, purpose, at }: Omit<Choice, "result">): string =>
  `${entity}\n${purpose}\n${at}`;

function optionsOf(distribution: Distribution): number {
  switch (distribution.kind) {
    case "uniform":
      return distribution.below;
    case "range":
      return distribution.high - distribution.low + 1;
    case "bernoulli":
      return 2;
    case "choice":
      return distribution.weights.length;
    default:
      return 0;
  }
}

/** Everything but the driver, which counts what it did. */
function stateOf(world: World): string {
  const digests = [...entityDigests(world)].filter(([name]) => name !== "driver");
  return hashHex(hash64(new TextEncoder().encode(digests.join("\n"))));
}

interface Durable {
  readonly files?: { readonly [key: string]: { readonly value?: unknown } };
  readonly volumes?: object;
}

/** Heartbeats and leases tick on; what they say is not what is recovered. */
function metadataOf(world: World): string {
  const parts: Plain[] = [];
  for (const entity of world.entities()) {
    const { files, volumes } = world.durable.get(entity.id) as unknown as Durable;
    if (files === undefined || volumes === undefined) continue;
    const values = Object.entries(files).filter(([key]) => !/heartbeat|owner/.test(key));
    const kept = values.map(([key, { value }]) => [key, (value ?? null) as Plain]);
    parts.push([entity.name, kept, Object.keys(volumes)]);
  }
  return hashHex(hash64(canonicalBytes(parts)));
}

const runningVms = (world: World, { vms }: ResolvedScenario): readonly string[] =>
  vms.map(({ id }) => id).filter((id) => powerStateOf(vmRecordOf(world, id)) === "running");

const choiceOf = ({ options: _, ...choice }: LossDraw): Choice => choice;

/**
 * The choices that lead to the other outcomes of a crash: for each draw that decides a loss and was
 * not taken already, each result that it did not have, with those before it as they were.
 */
export function otherLosses({ losses }: CrashRun, taken: number): readonly (readonly Choice[])[] {
  const all = losses.map(choiceOf);
  return losses.slice(taken).flatMap((draw, i) => {
    const before = all.slice(0, taken + i);
    const results = Array.from({ length: draw.options }, (_, result) => result);
    return results
      .filter((result) => result !== draw.result)
      .map((result) => [...before, { ...choiceOf(draw), result }]);
  });
}
