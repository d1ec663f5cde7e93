/** Members that follow from the rest of the document: filled in last, once everything is checked. */
import type {
  ResolvedGuest,
  ResolvedScenario,
  ResolvedTimelineEntry,
  ResolvedVm,
  ResolvedVmDisk,
} from "../schema/scenario.generated.ts";
import { linkId } from "./directory.ts";

function derivedGuest(guest: ResolvedGuest, vm: ResolvedVm): ResolvedGuest {
  if (guest.kind !== "capture" || guest.disk !== undefined) return guest;
  const first = vm.disks[0];
  return first === undefined ? guest : { ...(guest as typeof guest), disk: first.id };
}

/** Disks that can be snapshotted. */
export const keepsPoints = ({ kind }: Pick<ResolvedVmDisk, "kind">): boolean =>
  kind === "redo" || kind === "cow";

function derivedEntry(
  entry: ResolvedTimelineEntry,
  vms: readonly ResolvedVm[],
): ResolvedTimelineEntry {
  if (entry.do !== "snapshot" || entry.disks !== undefined) return entry;
  const vm = vms.find(({ id }) => id === (entry as { vm: string }).vm);
  const disks = (vm?.disks ?? []).filter(keepsPoints).map(({ id }) => id);
  return { ...(entry as typeof entry), disks };
}

export const derive = (document: ResolvedScenario): ResolvedScenario => ({
  ...document,
  links: document.links.map((link) => ({ ...link, id: link.id ?? linkId(link.between) })),
  vms: document.vms.map((vm) => ({ ...vm, guest: derivedGuest(vm.guest, vm) })),
  timeline: document.timeline.map((entry) => derivedEntry(entry, document.vms)),
});
