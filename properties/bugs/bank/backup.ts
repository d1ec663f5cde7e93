/** Bugs in backups and in what they know of changed blocks. */
import type { Bug } from "../bug.ts";

const BACKUP = "core/disks/backup/backup.ts";
const CHANGED = "core/disks/chain/changed-blocks.ts";
const suites = [
  "properties/disks/backup-durability.test.ts",
  "properties/disks/incremental-backups.test.ts",
  "properties/disks/backup-crashes.test.ts",
  "reports/experiments",
];

export const backupBugs: readonly Bug[] = [
  {
    name: "absent-manifest-not-fenced",
    what: "where a backup that is undone has no manifest yet, none is made for late writes to find",
    mechanism: "backup",
    file: "core/disks/chain/surely-write.ts",
    find: '      return op.params.absent === undefined ? fail(code, detail) : go("make");',
    replace: `      const { absent } = op.params;
      return absent === undefined ? fail(code, detail) : done({ value: absent, version: 0 });`,
    breaks: ["a backup that was undone leaves nothing"],
    suites: [...suites, "properties/disks/power-off.test.ts"],
  },
  {
    name: "manifest-made-again",
    what: "the first write of a manifest is taken though there was one that was undone",
    mechanism: "backup",
    file: "core/disks/backup/repository-phases.ts",
    find: "ifVersion: 0, isFirst: true };",
    replace: "ifVersion: 0 };",
    breaks: ["a backup that was undone leaves nothing"],
    suites: [...suites, "properties/disks/power-off.test.ts"],
  },
  {
    name: "backup-complete-before-flush",
    what: "the commit marker is written while the repository still has the copy in its cache",
    mechanism: "backup",
    file: BACKUP,
    find: '      return go("flush");\n    }),\n\n    store(',
    replace: '      return go("commit");\n    }),\n\n    store(',
    breaks: ["a backup that counts equals its point in time"],
    suites,
  },
  {
    name: "changes-reset-early",
    what: "tracking of changes starts anew with the copy, so what is written meanwhile is missed",
    mechanism: "backup",
    file: CHANGED,
    find: "  for (let layer = from + 1; layer < layers.length; layer++) {",
    replace: "  for (let layer = layers.length; layer < from; layer++) {",
    breaks: ["an incremental backup holds all that changed"],
    suites,
  },
  {
    name: "lost-tracking-taken-for-none",
    what: "after a crash what was tracked is gone, and the backup takes it that nothing changed",
    mechanism: "backup",
    file: "core/disks/chain/change-tracker.ts",
    find: "    changed.writeZeros(first, past - first);",
    replace: "    changed.discard(first, past - first);",
    breaks: ["an incremental backup holds all that changed"],
    report: "https://github.com/abbbi/virtnbdbackup/pull/258",
    suites,
  },
  {
    name: "mixed-tracking-taken-for-one",
    what: "disks whose changes are tracked since different backups are taken for the first one's",
    mechanism: "backup",
    file: "core/disks/backup/backup-state.ts",
    find:
      "  if (since === null || disks.some(({ volatile }) => volatile.changedSince !== since)) " +
      "return null;",
    replace: "  if (since === null) return null;",
    breaks: ["an incremental backup holds all that changed"],
    suites,
  },
  {
    name: "change-noted-after-write",
    what: "writes to a disk of one layer are not tracked",
    mechanism: "backup",
    file: "core/disks/chain/virtual-disk.ts",
    find: "  noteWritten(self, sector, sectors);\n  pass(",
    replace: '  if (body.op === "discard") noteWritten(self, sector, sectors);\n  pass(',
    breaks: ["an incremental backup holds all that changed"],
    suites,
  },
  {
    name: "backup-skips-zeros",
    what: "an incremental backup leaves out blocks that became zeros",
    mechanism: "backup",
    file: BACKUP,
    find: "const isFull = op.state.manifest!.base === null;",
    replace: "const isFull = op.state.manifest!.complete === false;",
    breaks: ["a backup that counts equals its point in time"],
    suites,
  },
  {
    name: "unfinished-backup-kept",
    what: "after a crash a backup that was not completed stays as if it counted",
    mechanism: "backup",
    file: "core/disks/backup/finish-backup.ts",
    find: "      if (value.complete) return go(next(op));",
    replace: "      if (!value.complete) return go(next(op));",
    breaks: ["what is not complete is dropped"],
    suites,
  },
  {
    name: "merge-repeated-fails",
    what: "recovery of a merge fails when what it is to remove was removed already",
    mechanism: "consolidation",
    file: "core/disks/consolidation/recover-consolidation.ts",
    find: 'return [...helpers, deleteFile(array, target, ""), { ...drop, tolerate: ["gone"] }];',
    replace: 'return [...helpers, deleteFile(array, target, ""), drop];',
    breaks: ["recovery is idempotent"],
    report: "https://github.com/oVirt/ovirt-engine/pull/524",
    suites: ["properties/disks/consolidation-crashes.test.ts"],
  },
  {
    name: "recovery-grows-again",
    what: "each recovery of a disk that was growing makes it larger once more",
    mechanism: "disks",
    file: "core/disks/grow/recover-grow.ts",
    find: "const value = descriptorFileOf({ ...descriptor, sectors: toSectors });",
    replace:
      "const more = toSectors - op.params.intent.fromSectors;\n" +
      "    const value = descriptorFileOf({ ...descriptor, sectors: descriptor.sectors + more });",
    breaks: ["recovery is idempotent", "a disk is not larger than its volume"],
    report: "https://github.com/oVirt/vdsm/issues/188",
    suites: ["properties/disks/grow-disks.test.ts"],
  },
];
