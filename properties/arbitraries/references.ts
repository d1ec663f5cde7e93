/**
 * What the members of timeline entries and faults refer to, and documents from which everything
 * that refers to nothing is taken away: after a part of a document was left out, or put together
 * anew from parts of others.
 */
import {
  builtInExtensions,
  type Extension,
  type JsonValue,
  type ReferenceTarget,
  type ResolvedScenario,
} from "../../scenarios/index.ts";

/** A timeline entry, a fault or another part of a document, as plain members. */
export type Members = { readonly [member: string]: JsonValue };

/** Kinds of entry by their family. */
interface Kinds {
  readonly operations: readonly Extension[];
  readonly faults: readonly Extension[];
}

/** All that a document may have, and of that what a search may add to it. */
export interface Vocabulary extends Kinds {
  readonly drawn: Kinds;
}

/** Faults that damage what was promised: no mechanism here is meant to survive them unaided. */
const BREAKS_PROMISES: ReadonlySet<string> = new Set([
  "lost-write",
  "torn-write",
  "misdirected-write",
  "bit-rot",
  "lying-flush",
  "latent-error",
]);

/** What Orrery has and what the scenario brings along; `search` is that member of the scenario. */
export function vocabularyOf(
  own: readonly Extension[],
  search: ResolvedScenario["search"] = {},
): Vocabulary {
  const all = [...builtInExtensions, ...own];
  const operations = all.filter(({ family }) => family === "operation");
  const faults = all.filter(({ family }) => family === "fault");
  const drawn = {
    operations: namedIn(operations, search.operations) ?? operations,
    faults:
      namedIn(faults, search.faults) ?? faults.filter(({ name }) => !BREAKS_PROMISES.has(name)),
  };
  return { operations, faults, drawn };
}

const namedIn = (kinds: readonly Extension[], names: readonly string[] | undefined) =>
  names && kinds.filter(({ name }) => names.includes(name));

type Fabric = Pick<ResolvedScenario, "hosts" | "arrays" | "links" | "vms">;

/** Names that a reference may have; `vm` is the one that the same entry names. */
export function candidates(
  target: ReferenceTarget,
  { hosts, arrays, links, vms }: Fabric,
  timeline: readonly Members[],
  vm?: JsonValue,
): readonly string[] {
  const hostIds = hosts.map(({ id }) => id);
  const arrayIds = arrays.map(({ id }) => id);
  const devices = hosts.flatMap((host) => host.disks.map((disk) => `${host.id}/${disk.id}`));
  switch (target) {
    case "host":
      return hostIds;
    case "array":
      return arrayIds;
    case "vm":
      return vms.map(({ id }) => id);
    case "vmDisk":
      return vms.find(({ id }) => id === vm)?.disks.map(({ id }) => id) ?? [];
    case "operation":
      return timeline.map(({ id }) => String(id));
    case "endpoint":
      return [...hostIds, ...arrayIds];
    case "domain": {
      const racks = [...hosts, ...arrays].flatMap(({ rack }) => rack ?? []);
      return [...hostIds, ...arrayIds, ...new Set(racks)];
    }
    case "device":
      return [...arrayIds, ...devices];
    case "component":
      return [...hostIds, ...arrayIds, ...devices, ...links.map(({ id }) => id)];
  }
}

/** Whether all that an entry names is there. */
function refersToWhatIs(
  entry: Members,
  extension: Extension | undefined,
  document: Fabric,
  timeline: readonly Members[],
): boolean {
  const ids = new Set(timeline.map(({ id }) => id));
  for (const member of ["after", "during"]) {
    const moment = entry[member];
    if (typeof moment === "string" && !ids.has(moment.split(".")[0]!)) return false;
  }
  return Object.entries(extension?.references ?? {}).every(([member, target]) => {
    const value = entry[member];
    if (value === undefined) return true;
    const known = candidates(target, document, timeline, entry["vm"]);
    return [value].flat().every((name) => known.includes(String(name)));
  });
}

const named = (extensions: readonly Extension[], name: JsonValue | undefined) =>
  extensions.find((each) => each.name === name);

/** Leaves out what refers to nothing, and what refers to that. */
export function withoutDangling(
  document: ResolvedScenario,
  vocabulary: Vocabulary,
): ResolvedScenario {
  let timeline = document.timeline as unknown as readonly Members[];
  for (;;) {
    const kept = timeline.filter((entry) =>
      refersToWhatIs(entry, named(vocabulary.operations, entry["do"]), document, timeline),
    );
    if (kept.length === timeline.length) break;
    timeline = kept;
  }
  const faults = (document.faults as unknown as readonly Members[]).filter((fault) =>
    refersToWhatIs(fault, named(vocabulary.faults, fault["kind"]), document, timeline),
  );
  return { ...document, timeline, faults } as unknown as ResolvedScenario;
}
