/**
 * Variants of a scenario: its datacenter with some knobs turned, part of its timeline, operations
 * that it did not have and faults, all of them possibly at once. With `swarm` each variant is
 * given a random subset of the features first (Groce et al., "Swarm Testing", ISSTA 2012): a
 * feature that is always there hides what happens only without it.
 */
import type { Extension, ResolvedScenario } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed, subset } from "./chooser.ts";
import { drawEntry, drawFault, drawMoment, type Ground, strikingAt } from "./entries.ts";
import { type Knob, knobs } from "./knobs.ts";
import { type Members, type Vocabulary, withoutDangling } from "./references.ts";
import { drawStory, type Story, storiesOf } from "./stories.ts";

/** What a variant may use. */
export interface Features {
  readonly operations: readonly Extension[];
  /** Operations that belong together; told with all operations of the vocabulary. */
  readonly stories: readonly Story[];
  readonly vocabulary: Vocabulary;
  readonly faults: readonly Extension[];
  readonly knobs: readonly Knob[];
  readonly mostOperations: number;
  readonly mostFaults: number;
  /** Delays that make others overtake: what a priority-based schedule calls preemptions. */
  readonly mostDelays: number;
}

type Choice = NonNullable<ResolvedScenario["choices"]>[number];

/** In nanoseconds: from what others just overtake up to what looks like a failure. */
const SHORTEST_DELAY_NS = 50_000;
const LONGEST_DELAY_NS = 60_000_000;

/** Kinds of fault that a search may add to this document. */
export function faultsToTry(
  { faults, drawn }: Vocabulary,
  document: ResolvedScenario,
): readonly Extension[] {
  const used = new Set<string>(document.faults.map(({ kind }) => kind));
  return faults.filter((each) => drawn.faults.includes(each) || used.has(each.name));
}

export type FeatureChoice = "all" | "swarm" | "delays";

export function drawFeatures(
  chooser: Chooser,
  vocabulary: Vocabulary,
  document: ResolvedScenario,
  choice: FeatureChoice,
): Features {
  const { operations } = vocabulary.drawn;
  const stories = storiesOf(vocabulary);
  const faults = faultsToTry(vocabulary, document);
  if (choice === "delays") {
    const of = { operations, stories, vocabulary, faults, knobs: [] };
    return { ...of, mostOperations: 2, mostFaults: 1, mostDelays: 3 };
  }
  if (choice === "all") {
    const of = { operations, stories, vocabulary, faults, knobs };
    return { ...of, mostOperations: 3, mostFaults: 2, mostDelays: 0 };
  }
  return {
    operations: subset(chooser, operations),
    stories: chance(chooser, 50) ? subset(chooser, stories) : [],
    vocabulary,
    faults: subset(chooser, faults),
    knobs: subset(chooser, knobs),
    mostOperations: between(chooser, 0, 5),
    mostFaults: chance(chooser, STORM_PERCENT) ? STORM_FAULTS : between(chooser, 0, 3),
    mostDelays: chance(chooser, 25) ? between(chooser, 1, 3) : 0,
  };
}

/** Of a hundred runs so many are hit by one fault after the other, of few kinds or of many. */
const STORM_PERCENT = 15;
const STORM_FAULTS = 16;

/** A document of its own: another seed, no expectations. */
export function drawVariant(
  chooser: Chooser,
  base: ResolvedScenario,
  features: Features,
  ground: Ground,
  vocabulary: Vocabulary,
): ResolvedScenario {
  let document: ResolvedScenario = { ...base, seed: chooser.below(2 ** 31), expect: [] };
  for (const knob of features.knobs) document = knob.turn(chooser, document);
  const keeps = oneOf(chooser, [100, 100, 70, 30]);
  const timeline = document.timeline.filter(() => chance(chooser, keeps));
  document = withoutDangling({ ...document, timeline }, vocabulary);
  document = withMoreOperations(chooser, document, features, ground);
  document = withMoreFaults(chooser, document, features, ground);
  const choices = drawDelays(chooser, between(chooser, 0, features.mostDelays), ground);
  return choices.length === 0 ? document : { ...document, choices };
}

/** Of a hundred times that something is added, so often it is a story. */
const STORY_PERCENT = 30;

function withMoreOperations(
  chooser: Chooser,
  document: ResolvedScenario,
  { operations, stories, vocabulary, mostOperations }: Features,
  ground: Ground,
): ResolvedScenario {
  let grown = document;
  const used = new Set(document.timeline.map(({ id }) => id));
  for (let i = between(chooser, 0, mostOperations); i > 0; i--) {
    let number = grown.timeline.length + 1;
    while (used.has(`more-${number}`)) number++;
    const name = (step: number): string => `more-${number + step}`;
    const told = stories.length > 0 && chance(chooser, STORY_PERCENT) && oneOf(chooser, stories);
    const entries = told
      ? drawStory(chooser, told, vocabulary, grown, ground, name)
      : operations.length === 0
        ? []
        : [drawEntry(chooser, oneOf(chooser, operations), grown, ground, name(0))];
    for (const entry of entries) {
      if (entry === undefined || used.has(String(entry["id"]))) break;
      used.add(String(entry["id"]));
      grown = withEntry(grown, entry);
    }
  }
  return grown;
}

const withEntry = (document: ResolvedScenario, entry: Members): ResolvedScenario =>
  ({ ...document, timeline: [...document.timeline, entry] }) as unknown as ResolvedScenario;

export const withFault = (document: ResolvedScenario, fault: Members): ResolvedScenario =>
  ({ ...document, faults: [...document.faults, fault] }) as unknown as ResolvedScenario;

function withMoreFaults(
  chooser: Chooser,
  document: ResolvedScenario,
  { faults, mostFaults }: Features,
  ground: Ground,
): ResolvedScenario {
  let grown = document;
  if (faults.length === 0 || mostFaults === 0) return grown;
  for (let i = between(chooser, 0, mostFaults); i > 0; i--) {
    const fault = drawFault(chooser, oneOf(chooser, faults), grown, ground);
    if (fault !== undefined) grown = withFault(grown, fault);
  }
  return withLateFault(chooser, grown, faults, ground);
}

/**
 * A run is told of its durable steps only where a fault waits for one, and a fork cannot change that:
 * so there is one that waits, for a step about when the run ends.
 */
function withLateFault(
  chooser: Chooser,
  document: ResolvedScenario,
  faults: readonly Extension[],
  ground: Ground,
): ResolvedScenario {
  if (document.faults.some(({ atStep }) => atStep !== undefined)) return document;
  const fault = drawFault(chooser, oneOf(chooser, faults), document, ground);
  if (fault === undefined) return document;
  const atStep = between(chooser, ground.steps, 2 * ground.steps + 1);
  return withFault(document, strikingAt(fault, atStep));
}

/** So many messages or requests, anywhere in the run, are overtaken by others. */
function drawDelays(chooser: Chooser, count: number, { delays }: Ground): Choice[] {
  if (delays.length === 0) return [];
  return Array.from({ length: count }, () => {
    const { entity, purpose, draws } = oneOf(chooser, delays);
    const at = chooser.below(draws);
    return { entity, purpose, at, result: skewed(chooser, SHORTEST_DELAY_NS, LONGEST_DELAY_NS) };
  });
}

/** A variant near one that led somewhere new: another seed, a fault moved, added or left out. */
export function drawNeighbour(
  chooser: Chooser,
  near: ResolvedScenario,
  features: Features,
  ground: Ground,
  vocabulary: Vocabulary,
): ResolvedScenario {
  let document = near;
  for (let i = between(chooser, 1, 2); i > 0; i--) {
    document = changed(chooser, document, features, ground);
  }
  return withoutDangling(document, vocabulary);
}

function changed(
  chooser: Chooser,
  document: ResolvedScenario,
  features: Features,
  ground: Ground,
): ResolvedScenario {
  const { faults, timeline } = document;
  const without = <T>(list: readonly T[]): readonly T[] => {
    const index = chooser.below(list.length);
    return list.filter((_, at) => at !== index);
  };
  switch (chooser.below(7)) {
    case 0:
      return { ...document, seed: chooser.below(2 ** 31) };
    case 1:
    case 2: {
      if (faults.length === 0) break;
      const index = chooser.below(faults.length);
      const moved = faults.map((fault, at) =>
        at === index ? atAnotherMoment(chooser, fault, document, ground) : fault,
      );
      return { ...document, faults: moved };
    }
    case 3:
      return faults.length === 0 ? document : { ...document, faults: without(faults) };
    case 4:
      return timeline.length === 0 ? document : { ...document, timeline: without(timeline) };
    case 5:
      return withMoreOperations(chooser, document, { ...features, mostOperations: 2 }, ground);
    default:
  }
  return withMoreFaults(chooser, document, { ...features, mostFaults: 2 }, ground);
}

type Fault = ResolvedScenario["faults"][number];

function atAnotherMoment(
  chooser: Chooser,
  fault: Fault,
  document: ResolvedScenario,
  ground: Ground,
): Fault {
  const { atStep } = fault;
  if (atStep !== undefined && chance(chooser, 60)) {
    return { ...fault, atStep: Math.max(1, atStep + between(chooser, -6, 6)) };
  }
  const { atMs: _, atStep: __, during: ___, meanIntervalMs: ____, ...rest } = fault;
  const when = drawMoment(chooser, document, ground);
  return { ...rest, delayUs: 0, ...when } as unknown as Fault;
}
