/** Dangling ids: one check, used for members of the document and of every mechanism alike. */
import type { Extension, ReferenceTarget } from "../schema/extension.ts";
import type { ResolvedVm } from "../schema/scenario.generated.ts";
import { type Directory, referable } from "./directory.ts";
import { type Finding, finding, pointerTo, shown } from "./problem.ts";
import { closest } from "./suggest.ts";

/** What is wrong with `value` as the name of a `target`; nothing when it is one. */
export function checkReference(
  value: string,
  pointer: string,
  target: ReferenceTarget,
  directory: Directory,
  vm?: ResolvedVm,
): readonly Finding[] {
  const { words, names } = referable(target, directory, vm);
  if (names.includes(value)) return [];
  const meant = closest(value, names);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  const expected = names.length === 0 ? `${words}, and there is none` : `${words}: ${few(names)}`;
  return [finding(pointer, `nothing is named ${shown(value)}${hint}`, expected)];
}

const few = (names: readonly string[]): string =>
  names.length <= 8 ? names.join(", ") : `${names.slice(0, 8).join(", ")}, ...`;

/** All references that an extension declares of its members, held against one entry. */
export function checkEntryReferences(
  entry: object,
  pointer: string,
  extension: Extension | undefined,
  directory: Directory,
  ownVm?: ResolvedVm,
): readonly Finding[] {
  const members = entry as Readonly<Record<string, unknown>>;
  const vm = ownVm ?? directory.vms.get(String(members["vm"]));
  return Object.entries(extension?.references ?? {}).flatMap(([member, target]) => {
    const value = members[member];
    if (value === undefined || (target === "vmDisk" && vm === undefined)) return [];
    const place = pointerTo(pointer, member);
    return Array.isArray(value)
      ? value.flatMap((one: unknown, index) =>
          checkReference(String(one), pointerTo(place, index), target, directory, vm),
        )
      : checkReference(String(value), place, target, directory, vm);
  });
}
