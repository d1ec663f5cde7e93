/**
 * Ids: unique in the document where entities' names come from them, unique in their owner below.
 * Names of two entities that are the same would share their random draws.
 */
import type { ResolvedScenario } from "../schema/scenario.generated.ts";
import { alertCheckpoints, linkId } from "./directory.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";

interface Named {
  readonly name: string;
  readonly pointer: string;
}

/** Entities that exist in every world, and names that would collide with members of objects. */
const RESERVED: ReadonlySet<string> = new Set([
  "manager",
  "world",
  "driver",
  "gate",
  ...Object.getOwnPropertyNames(Object.prototype),
]);

const listed = (
  base: string,
  entries: readonly { readonly id?: string; readonly name?: string }[],
  member: "id" | "name" = "id",
): readonly Named[] =>
  entries.flatMap((entry, index) => {
    const name = entry[member];
    return name === undefined ? [] : [{ name, pointer: pointerTo(base, index, member) }];
  });

function duplicates(named: readonly Named[]): readonly Finding[] {
  const first = new Map<string, string>();
  return named.flatMap(({ name, pointer }) => {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, pointer);
    return earlier === undefined
      ? []
      : [finding(pointer, `"${name}" is already the name of ${earlier}`, "a name of its own")];
  });
}

function reserved(named: readonly Named[]): readonly Finding[] {
  return named
    .filter(({ name }) => RESERVED.has(name))
    .map(({ name, pointer }) => finding(pointer, `the name "${name}" is reserved`, "another name"));
}

/** A rack is named by its members; its name must not be that of anything else. */
function racks(document: ResolvedScenario, named: readonly Named[]): readonly Finding[] {
  const owners = new Map(named.map(({ name, pointer }) => [name, pointer]));
  const members = { hosts: document.hosts, arrays: document.arrays };
  return Object.entries(members).flatMap(([list, entries]) =>
    entries.flatMap(({ rack }, index) => {
      const owner = rack === undefined ? undefined : owners.get(rack);
      if (owner === undefined) return [];
      const message = `rack "${rack}" is already the name of ${owner}`;
      return [finding(pointerTo("", list, index, "rack"), message, "a name of its own")];
    }),
  );
}

export function checkIds(document: ResolvedScenario): readonly Finding[] {
  const { hosts, arrays, links, vms, timeline } = document;
  const topLevel = [
    ...listed("/hosts", hosts),
    ...listed("/arrays", arrays),
    ...listed("/vms", vms),
    ...vms.flatMap((vm, index) =>
      alertCheckpoints(vm).map(({ id: name }) => ({
        name,
        pointer: pointerTo("/vms", index, "onAlert"),
      })),
    ),
    ...listed("/timeline", timeline),
    ...links.map((link, index) => ({
      name: link.id ?? linkId(link.between),
      pointer: pointerTo("/links", index, link.id === undefined ? "between" : "id"),
    })),
  ];
  const owned = [
    ...hosts.flatMap((host, index) => [
      listed(pointerTo("/hosts", index, "disks"), host.disks),
      listed(pointerTo("/hosts", index, "sensors"), host.sensors),
    ]),
    ...vms.flatMap(({ disks, guest }, index) => [
      listed(pointerTo("/vms", index, "disks"), disks),
      guest.kind === "workload"
        ? listed(pointerTo("/vms", index, "guest", "phases"), guest.phases, "name")
        : [],
    ]),
  ];
  return [
    ...reserved([...topLevel, ...owned.flat()]),
    ...duplicates(topLevel),
    ...racks(document, topLevel),
    ...owned.flatMap(duplicates),
  ];
}
