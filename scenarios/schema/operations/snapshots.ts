/** Timeline operations on points in time. */
import type { Extension } from "../extension.ts";
import { id, list, object } from "../members.ts";

const vm = id("The VM.");

export const snapshot: Extension = {
  family: "operation",
  name: "snapshot",
  description: "Take a snapshot of a VM's disks while it runs.",
  parameters: object(
    "",
    {
      vm,
      disks: list("The disks; absent = all that can be snapshotted.", id("A disk of the VM."), {
        minItems: 1,
        uniqueItems: true,
      }),
    },
    ["vm"],
  ),
  references: { vm: "vm", disks: "vmDisk" },
};
