/** Timeline and faults: each has one moment, moments exist, and `after` never runs in a circle. */
import type { Extension } from "../schema/extension.ts";
import type {
  ResolvedFault,
  ResolvedScenario,
  ResolvedTimelineEntry,
} from "../schema/scenario.generated.ts";
import { keepsPoints } from "./derive.ts";
import type { Directory } from "./directory.ts";
import { type Finding, finding, pointerTo, shown } from "./problem.ts";
import { checkEntryReferences, checkReference } from "./references.ts";
import { closest } from "./suggest.ts";

/** What every operation reaches when it succeeds, and when it ends in whatever way. */
const ENDS = ["complete", "ended"];

interface Moment {
  readonly atMs?: number;
  readonly atStep?: number;
  readonly after?: string;
  readonly during?: string;
  readonly meanIntervalMs?: number;
}

const FAULT_MOMENTS = ["atMs", "atStep", "during", "meanIntervalMs"] as const;

function checkMoment(
  entry: Moment,
  pointer: string,
  ways: readonly (keyof Moment)[],
  durationMs: number,
): readonly Finding[] {
  const given = ways.filter((way) => entry[way] !== undefined);
  if (given.length !== 1) {
    const found = given.length === 0 ? "says not when" : `has ${given.join(" and ")}`;
    return [finding(pointer, found, `exactly one of ${ways.join(", ")}`)];
  }
  if (entry.atMs === undefined || entry.atMs <= durationMs) return [];
  const place = pointerTo(pointer, "atMs");
  return [finding(place, `${entry.atMs} is after the end`, `at most durationMs, ${durationMs}`)];
}

function checkPhaseReference(
  reference: string | undefined,
  pointer: string,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  if (reference === undefined) return [];
  const [operation = "", phase = ""] = reference.split(".");
  const kind = directory.operations.get(operation);
  if (kind === undefined) return checkReference(operation, pointer, "operation", directory);
  const phases = extensions.find(
    ({ family, name }) => family === "operation" && name === kind,
  )?.phases;
  if (phases === undefined || ENDS.includes(phase) || phases.includes(phase)) return [];
  const meant = closest(phase, phases);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  const message = `${operation} (${kind}) has no phase ${shown(phase)}${hint}`;
  return [finding(pointer, message, `one of ${[...phases, ...ENDS].join(", ")}`)];
}

const startsAfter = ({ after }: ResolvedTimelineEntry): string | undefined => after?.split(".")[0];

/** Each circle is reported once, at the entry of it that comes first in the document. */
function checkCircles(timeline: readonly ResolvedTimelineEntry[]): readonly Finding[] {
  const previous = new Map(timeline.map((entry) => [entry.id, startsAfter(entry)]));
  const settled = new Set<string>();
  return timeline.flatMap(({ id }, index) => {
    const path: string[] = [];
    let at: string | undefined = id;
    while (at !== undefined && previous.has(at) && !settled.has(at) && !path.includes(at)) {
      path.push(at);
      at = previous.get(at);
    }
    const circle = at !== undefined && path.includes(at) ? path.slice(path.indexOf(at)) : [];
    for (const name of path) settled.add(name);
    if (circle.length === 0) return [];
    const first = timeline.findIndex((entry) => circle.includes(entry.id));
    const text = [...circle, circle[0]].join(" after ");
    const pointer = pointerTo("/timeline", Math.max(first, 0), "after");
    return index >= 0 ? [finding(pointer, `runs in a circle: ${text}`, "a start")] : [];
  });
}

const ofFamily = (extensions: readonly Extension[], family: Extension["family"], name: string) =>
  extensions.find((extension) => extension.family === family && extension.name === name);

function checkFault(
  fault: ResolvedFault,
  pointer: string,
  directory: Directory,
): readonly Finding[] {
  switch (fault.kind) {
    case "degrade": {
      const sensors = directory.hosts.get(fault.host)?.sensors.map(({ id }) => id);
      if (sensors === undefined || sensors.includes(fault.sensor)) return [];
      const expected = sensors.length === 0 ? "a sensor, and it has none" : sensors.join(", ");
      const message = `${fault.host} has no sensor ${shown(fault.sensor)}`;
      return [finding(pointerTo(pointer, "sensor"), message, expected)];
    }
    case "path-loss": {
      if (!directory.hosts.has(fault.host) || !directory.arrays.has(fault.array)) return [];
      const paths = directory.pathsBetween(fault.host, fault.array);
      if (paths === 0) {
        return [finding(pointer, `${fault.host} has no link to ${fault.array}`, "a link")];
      }
      if (fault.path < paths) return [];
      return [finding(pointerTo(pointer, "path"), `is ${fault.path}`, `at most ${paths - 1}`)];
    }
    case "array-task": {
      if (directory.arrays.get(fault.array)?.kind !== "redo") return [];
      const message = `${fault.array} keeps no copy-on-write volumes`;
      return [finding(pointerTo(pointer, "array"), message, "an array of kind cow")];
    }
    case "partition":
      if (fault.from !== fault.to) return [];
      return [finding(pointerTo(pointer, "to"), "is the same as from", "another one")];
    default:
      return [];
  }
}

/** Disks that keep points in time, those of one snapshot in one way. */
function checkSnapshot(
  entry: ResolvedTimelineEntry,
  pointer: string,
  directory: Directory,
): readonly Finding[] {
  const vm = entry.do === "snapshot" ? directory.vms.get(entry.vm) : undefined;
  if (entry.do !== "snapshot" || vm === undefined) return [];
  if (!vm.disks.some(keepsPoints)) {
    const message = `${vm.id} has no disk that can be snapshotted`;
    return [finding(pointerTo(pointer, "vm"), message, "a vm with a disk of kind redo or cow")];
  }
  const wanted = vm.disks.filter(({ id }) => entry.disks?.includes(id) ?? true);
  const kinds = new Set(wanted.filter(keepsPoints).map(({ kind }) => kind));
  if (kinds.size > 1) {
    const message = "takes disks of kind redo and of kind cow at once";
    return [finding(pointerTo(pointer, "disks"), message, "disks of one kind")];
  }
  return (entry.disks ?? []).flatMap((id, index) => {
    const kind = vm.disks.find((disk) => disk.id === id)?.kind;
    if (kind !== "flat" && kind !== "network") return [];
    const place = pointerTo(pointer, "disks", index);
    const message = `${id} is ${kind} and cannot be snapshotted`;
    return [finding(place, message, "a disk of kind redo or cow")];
  });
}

export function checkTimeline(
  { timeline, durationMs }: ResolvedScenario,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  const entries = timeline.flatMap((entry, index) => {
    const pointer = pointerTo("/timeline", index);
    const extension = ofFamily(extensions, "operation", entry.do);
    return [
      ...checkMoment(entry, pointer, ["atMs", "after"], durationMs),
      ...(entry.atMs !== undefined && entry.delayMs > 0
        ? [finding(pointerTo(pointer, "delayMs"), "needs `after`", "atMs alone")]
        : []),
      ...checkPhaseReference(entry.after, pointerTo(pointer, "after"), directory, extensions),
      ...checkEntryReferences(entry, pointer, extension, directory),
      ...checkSnapshot(entry, pointer, directory),
    ];
  });
  return [...entries, ...checkCircles(timeline)];
}

export function checkFaults(
  { faults, durationMs }: ResolvedScenario,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  return faults.flatMap((fault, index) => {
    const pointer = pointerTo("/faults", index);
    const extension = ofFamily(extensions, "fault", fault.kind);
    return [
      ...checkMoment(fault, pointer, FAULT_MOMENTS, durationMs),
      ...checkPhaseReference(fault.during, pointerTo(pointer, "during"), directory, extensions),
      ...checkEntryReferences(fault, pointer, extension, directory),
      ...checkFault(fault, pointer, directory),
    ];
  });
}
