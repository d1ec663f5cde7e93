/** Timeline operations on backups. */
import type { Extension } from "../extension.ts";
import { count, id, object, oneOfWords } from "../members.ts";

const copyKiB = count("How much is copied at a time.", 512, { minimum: 4, maximum: 65_536 });

export const backup: Extension = {
  family: "operation",
  name: "backup",
  description:
    "Copy a running VM to another array, from a snapshot that is consolidated afterwards; on " +
    "copy-on-write disks that of the newest backup stays, under the backup's id.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      to: id("The array that keeps the backup; the VM's host needs a link to it."),
      mode: oneOfWords(
        "`incremental` = only what changed since the VM's last backup, where that is known: by " +
          "sector in the same run, by regions of 256 KiB after a crash, not after a restore; on " +
          "copy-on-write disks by chunks of the array.",
        ["full", "incremental"],
        "full",
      ),
      copyKiB,
    },
    ["vm", "to"],
  ),
  references: { vm: "vm", to: "array" },
};

export const restore: Extension = {
  family: "operation",
  name: "restore",
  description:
    "Put the disks of a VM that is off back to what a backup holds: redo chains, or copy-on-write " +
    "disks, which get new volumes. Points in time stay.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      backup: id("The backup operation."),
      from: id("The array that keeps the backup."),
      copyKiB,
    },
    ["vm", "backup", "from"],
  ),
  references: { vm: "vm", backup: "operation", from: "array" },
};
