/**
 * How a hierarchy of points in time is copied with no more data than its differences: the first
 * state whole, by what is allocated, and each later one by what differs from the one before it (a
 * copy-on-write target, which is written state by state and snapshotted between) or from the one it
 * stands on (redo logs). The plan is plain data; its names in angle brackets are given by the array
 * while it is carried out.
 */
import {
  descriptorFile,
  type DiskDescriptor,
  type VmConfiguration,
  volumeOf,
} from "../chain/descriptor.ts";
import type { CowView } from "./cow-files.ts";
import type { ByDisk, HierarchyIntent } from "./cow-intents.ts";

export type DiskFormat = "cow" | "redo";

export type CopyStep =
  | { readonly do: "create-base"; readonly as: string; readonly label: string; sectors: number }
  | { readonly do: "clone-base"; readonly as: string; readonly label: string; snapshot: string }
  | { readonly do: "create-volume"; readonly name: string; readonly sectors: number }
  | { readonly do: "copy"; readonly from: string; readonly since: string | null; to: string }
  | { readonly do: "snapshot"; readonly base: string; readonly as: string }
  | { readonly do: "revert"; readonly base: string; readonly snapshot: string }
  | { readonly do: "describe"; readonly name: string; readonly descriptor: DiskDescriptor };

export type CopyPlan = {
  readonly steps: readonly CopyStep[];
  readonly made: readonly string[];
  readonly configuration: HierarchyIntent["configuration"];
  /** Descriptor of the source, and that of the copy that holds the same. */
  readonly pairs: readonly (readonly [string, string])[];
  /** By disk: what is left to whoever has the disk open; absent unless it was asked for. */
  readonly live?: { readonly [disk: string]: LiveCopy };
};

/** The state that a guest writes to, while it does: the copy's place is made, but it holds nothing yet. */
export type LiveCopy = {
  /** Descriptor of the copy, and its volume (or its place in the plan). */
  readonly descriptor: string;
  readonly to: string;
  /** Volume that is copied, and what `to` reads as already; null: as zeros. */
  readonly from: string;
  readonly since: string | null;
  /** Of the source: what `from` answers for. */
  readonly kind: DiskDescriptor["kind"];
};

export type CopyRequest = {
  readonly vm: string;
  /** VM that the copy is for; the same as `vm`: in place. */
  readonly target: string;
  readonly format: DiskFormat;
  /** Last point in time to copy, from which the copy runs; null: all, and what runs now. */
  readonly upTo: string | null;
  /** `upTo` stands for what runs: the copy runs on it and does not list it. */
  readonly asRunning?: boolean;
  /** Only these disks, in place; the others stay as they are. Absent: all. */
  readonly disks?: readonly string[];
  /** What runs is written meanwhile: its copy is only made ready (`live` of the plan). */
  readonly live?: boolean;
};

/** A state of one disk on its way to the copy. */
type State = {
  readonly source: string;
  readonly descriptor: DiskDescriptor;
  /** Name of its descriptor in the copy. */
  readonly name: string;
  readonly layer: number;
  /** Whose content differs by nothing: a fresh layer on the state before. */
  readonly empty: boolean;
  /** Whose content is copied by somebody else, onto what it stands on. */
  readonly live: boolean;
  /** Index of the state that it stands on; -1: none. */
  readonly parent: number;
  /** Volumes of layers between the two that are no states of their own, lowest first. */
  readonly below: readonly string[];
};

/** Undefined: there is no such point in time. */
export function planCopy(
  view: CowView,
  configuration: VmConfiguration,
  request: CopyRequest,
): CopyPlan | undefined {
  const { target, format, upTo, asRunning = false, live = false } = request;
  const all = configuration.pointsInTime;
  const last = upTo === null ? all.length - 1 : all.findIndex(({ id }) => id === upTo);
  if (upTo !== null && last < 0) return undefined;
  const points = all.slice(0, last + (asRunning ? 0 : 1));
  const firstLayer = configuration.layersMade + 1;
  const steps: CopyStep[] = [];
  const disks = upTo === null ? configuration.running : all[last]!.disks;
  const { disks: only = Object.keys(disks) } = request;
  const kept = Object.entries(disks).filter(([disk]) => !only.includes(disk));
  const running: { [disk: string]: string } = Object.fromEntries(kept);
  const copies = new Map<string, string>(kept.map(([, name]) => [name, name]));
  for (const { disks: at } of points) {
    for (const [disk] of kept) if (at[disk] !== undefined) copies.set(at[disk], at[disk]);
  }
  const left: { [disk: string]: LiveCopy } = {};
  const made: string[] = [];
  for (const [disk, runs] of Object.entries(disks)) {
    if (!only.includes(disk)) continue;
    const sources = points.flatMap(({ disks: at }) => at[disk] ?? []);
    const runsOnIt = upTo === null || asRunning;
    if (runsOnIt) sources.push(runs);
    const states = statesOf(view, sources, !runsOnIt, live, (layer) =>
      descriptorFile(target, disk, firstLayer + layer),
    );
    const own = (format === "cow" ? cowSteps : redoSteps)(states, `${target}-${disk}`, firstLayer);
    steps.push(...own);
    if (live) left[disk] = liveCopyOf(states, own);
    for (const { source, name, empty } of states) {
      made.push(name);
      if (!empty) copies.set(source, name);
    }
    running[disk] = states.at(-1)!.name;
  }
  const copied = (at: ByDisk): ByDisk =>
    Object.fromEntries(
      Object.entries(at).flatMap(([disk, name]) => {
        const copy = copies.get(name);
        return copy === undefined ? [] : [[disk, copy]];
      }),
    );
  const pointsInTime = points.map(({ id, disks: at }) => ({ id, disks: copied(at) }));
  const layersMade = firstLayer + points.length;
  return {
    steps,
    made,
    configuration: { running, pointsInTime, layersMade },
    pairs: [...copies].filter(([source, copy]) => source !== copy),
    ...(live && { live: left }),
  };
}

/** The last state: its place is described, and holds what it stands on. */
function liveCopyOf(states: readonly State[], steps: readonly CopyStep[]): LiveCopy {
  const { descriptor, name, parent } = states.at(-1)!;
  const described = steps.at(-1) as Extract<CopyStep, { do: "describe" }>;
  const { volume: from, kind } = descriptor;
  const since = states[parent]?.descriptor.volume ?? null;
  return { descriptor: name, to: described.descriptor.volume, from, since, kind };
}

function statesOf(
  view: CowView,
  sources: readonly string[],
  onTop: boolean,
  live: boolean,
  nameOf: (layer: number) => string,
): State[] {
  const states = sources.map((source, layer): State => {
    const descriptor = view.files.descriptor(source)!;
    const { parent, below } = standingOn(view, descriptor, sources);
    const isLive = live && layer === sources.length - 1;
    const common = { source, descriptor, name: nameOf(layer), layer, parent, below };
    return { ...common, empty: false, live: isLive };
  });
  const last = states.at(-1)!;
  if (!onTop) return states;
  const layer = states.length;
  const name = nameOf(layer);
  return [...states, { ...last, name, layer, empty: true, parent: layer - 1, below: [] }];
}

/**
 * A redo log may stand on layers that are no points in time: of another VM, whose linked clone it is,
 * or left by a merge that was given up. The copy has them in itself.
 */
function standingOn(
  view: CowView,
  descriptor: DiskDescriptor,
  sources: readonly string[],
): Pick<State, "parent" | "below"> {
  const below: string[] = [];
  let name = descriptor.parent;
  while (descriptor.kind === "redo" && name !== null && !sources.includes(name)) {
    const layer: DiskDescriptor = view.files.descriptor(name)!;
    below.unshift(layer.volume);
    name = layer.kind === "redo" ? layer.parent : null;
  }
  return { parent: name === null ? -1 : sources.indexOf(name), below };
}

/** A disk may have grown between points in time, and have been reverted since. */
const largest = (states: readonly State[]): number =>
  Math.max(...states.map(({ descriptor }) => descriptor.sectors));

/** States are written one after the other to one base; each but the last is snapshotted. */
function cowSteps(states: readonly State[], label: string, firstLayer: number): CopyStep[] {
  const sectors = largest(states);
  const base = `<base of ${label}>`;
  const snapshotOf = (at: number): string => `<${states[at]!.name}>`;
  const steps: CopyStep[] = [{ do: "create-base", as: base, label, sectors }];
  const empty = `<empty ${label}>`;
  if (states.some(({ parent, descriptor }, at) => at > 0 && parent < 0 && isPlain(descriptor))) {
    steps.push({ do: "snapshot", base, as: empty });
  }
  states.forEach((_state, at) => {
    steps.push(...copiesOntoBase(states, at, base, (to) => (to < 0 ? empty : snapshotOf(to))));
    const runs = at === states.length - 1;
    if (!runs) steps.push({ do: "snapshot", base, as: snapshotOf(at) });
    const leadsTo = runs ? base : snapshotOf(at);
    steps.push(describe(states, at, firstLayer, leadsTo, "cow"));
  });
  return steps;
}

const isPlain = ({ kind }: DiskDescriptor): boolean => kind !== "cow";

/** What makes a base hold a state that holds the state before. */
function copiesOntoBase(
  states: readonly State[],
  at: number,
  base: string,
  snapshotOf: (at: number) => string,
): CopyStep[] {
  const { descriptor, parent, empty, live, below } = states[at]!;
  if (empty) return [];
  if (descriptor.kind === "cow" && !live) {
    const since = states[at - 1]?.descriptor.volume ?? null;
    return [{ do: "copy", from: descriptor.volume, since, to: base }];
  }
  // A redo log says what differs from its parent: the base has to hold that.
  const isElsewhere = parent !== at - 1;
  const own = live ? [] : [descriptor.volume];
  return [
    ...(isElsewhere ? [{ do: "revert" as const, base, snapshot: snapshotOf(parent) }] : []),
    ...[...below, ...own].map((from) => ({ do: "copy" as const, from, since: null, to: base })),
  ];
}

/** Each state is a volume of its own: a flat one without a parent, else a redo log on it. */
function redoSteps(states: readonly State[], _label: string, firstLayer: number): CopyStep[] {
  return states.flatMap((state, at): CopyStep[] => {
    const { descriptor, name, parent, empty, live, below } = state;
    const { volume, kind } = descriptor;
    const sectors = largest(states);
    const to = volumeOf(name);
    const steps: CopyStep[] = [{ do: "create-volume", name: to, sectors }];
    const since = kind !== "cow" || parent < 0 ? null : states[parent]!.descriptor.volume;
    for (const from of below) steps.push({ do: "copy", from, since: null, to });
    if (!empty && !live) steps.push({ do: "copy", from: volume, since, to });
    return [...steps, describe(states, at, firstLayer, to, parent < 0 ? "flat" : "redo")];
  });
}

function describe(
  states: readonly State[],
  at: number,
  firstLayer: number,
  volume: string,
  kind: DiskDescriptor["kind"],
): CopyStep {
  const { name, descriptor, parent, layer } = states[at]!;
  const millions = descriptor.cid - (descriptor.cid % 1_000_000);
  const below = states[parent];
  return {
    do: "describe",
    name,
    descriptor: {
      cid: millions + firstLayer + layer,
      parentCid: below === undefined ? 0 : millions + firstLayer + below.layer,
      parent: below?.name ?? null,
      volume,
      kind,
      sectors: descriptor.sectors,
      grainSectors: descriptor.grainSectors,
    },
  };
}
