/**
 * A disk of a VM that is off was replaced (restored, made a clone of another): the guest will find
 * what it holds now, not what it remembers. For those who see both, the array and the VM's record.
 */
import type { SectorContent } from "../kernel/index.ts";
import type { VmRecord } from "./vm-record.ts";

/** From here on `content` is what the guest is promised of its disk. */
export function adoptDisk(record: VmRecord, disk: string, content: SectorContent): void {
  const { disks } = record.config.spec;
  const at = disks.findIndex(({ id }) => id === disk);
  if (at < 0) return;
  record.content(`settled-${at}`, disks[at]!.sectors).restore(content.capture());
  const durable = record.editDurable();
  durable.journal.disks[at]!.writes = [];
  durable.replacements = (durable.replacements ?? 0) + 1;
}
