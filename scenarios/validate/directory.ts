/** What the ids of a document stand for: the one lookup that all semantic checks share. */
import { REFERENCE_TARGETS, type ReferenceTarget } from "../schema/extension.ts";
import type {
  ResolvedHost,
  ResolvedScenario,
  ResolvedStorageArray,
  ResolvedVm,
} from "../schema/scenario.generated.ts";

export interface Directory {
  readonly hosts: ReadonlyMap<string, ResolvedHost>;
  readonly arrays: ReadonlyMap<string, ResolvedStorageArray>;
  readonly vms: ReadonlyMap<string, ResolvedVm>;
  readonly links: ReadonlySet<string>;
  readonly racks: ReadonlySet<string>;
  readonly operations: ReadonlyMap<string, string>;
  /** Disks of hosts, as `host/disk`. */
  readonly hostDisks: ReadonlySet<string>;
  /** Is there a link between the two? */
  connected(a: string, b: string): boolean;
  /** Number of links between the two. */
  pathsBetween(a: string, b: string): number;
}

const byId = <T extends { readonly id: string }>(entries: readonly T[]): ReadonlyMap<string, T> =>
  new Map(entries.map((entry) => [entry.id, entry]));

export const linkId = (between: readonly string[]): string => between.join("--");

/** What is taken of a VM at its alerts, the first one 1. */
export const alertCheckpoint = (vm: string, number: number): string => `${vm}-alert-${number}`;

/** They are begun by themselves, and are named as if the timeline had them. */
export function alertCheckpoints({ id: vm, onAlert }: ResolvedVm) {
  if (onAlert?.do !== "snapshot") return [];
  const numbers = Array.from({ length: onAlert.atMost }, (_, at) => at + 1);
  return numbers.map((each) => ({ id: alertCheckpoint(vm, each), do: "checkpoint" as const }));
}

export function directoryOf(document: ResolvedScenario): Directory {
  const { hosts, arrays, vms, links, timeline } = document;
  const ends = new Set(links.flatMap(({ between: [a, b] }) => [`${a} ${b}`, `${b} ${a}`]));
  return {
    hosts: byId(hosts),
    arrays: byId(arrays),
    vms: byId(vms),
    links: new Set(links.map((link) => link.id ?? linkId(link.between))),
    racks: new Set([...hosts, ...arrays].flatMap(({ rack }) => (rack === undefined ? [] : [rack]))),
    operations: new Map([...timeline, ...vms.flatMap(alertCheckpoints)].map((e) => [e.id, e.do])),
    hostDisks: new Set(hosts.flatMap((host) => host.disks.map((disk) => `${host.id}/${disk.id}`))),
    connected: (a, b) => ends.has(`${a} ${b}`),
    pathsBetween: (a, b) =>
      links.filter(({ between }) => between.includes(a) && between.includes(b)).length,
  };
}

export const isReferenceTarget = (target: unknown): target is ReferenceTarget =>
  REFERENCE_TARGETS.some((known) => known === target);

/** The names that a reference may have, and what to call them. `vmDisk` needs the VM as well. */
export function referable(
  target: ReferenceTarget,
  directory: Directory,
  vm: ResolvedVm | undefined,
): { readonly words: string; readonly names: readonly string[] } {
  const { hosts, arrays, vms, links, racks, operations, hostDisks } = directory;
  switch (target) {
    case "host":
      return { words: "a host", names: [...hosts.keys()] };
    case "array":
      return { words: "an array", names: [...arrays.keys()] };
    case "vm":
      return { words: "a vm", names: [...vms.keys()] };
    case "vmDisk":
      return { words: "a disk of the vm", names: (vm?.disks ?? []).map((disk) => disk.id) };
    case "operation":
      return { words: "a timeline entry", names: [...operations.keys()] };
    case "endpoint":
      return { words: "a host or an array", names: [...hosts.keys(), ...arrays.keys()] };
    case "domain":
      return {
        words: "a host, an array or a rack",
        names: [...hosts.keys(), ...arrays.keys(), ...racks],
      };
    case "device":
      return { words: "an array or a host's disk", names: [...arrays.keys(), ...hostDisks] };
    case "component":
      return {
        words: "a host, an array, a link or a host's disk",
        names: [...hosts.keys(), ...arrays.keys(), ...links, ...hostDisks],
      };
  }
}
