/** Timeline operation that makes a disk larger. */
import type { Extension } from "../extension.ts";
import { count, id, object } from "../members.ts";

export const growDisk: Extension = {
  family: "operation",
  name: "grow-disk",
  description:
    "Make a disk of a running VM larger: its volumes, its descriptor, and the disk that the guest " +
    "sees: flat, copy-on-write, with redo logs, or mounted by the guest. Points in time keep their " +
    "size. A real machine keeps the size that it was booted with, and is refused.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      disk: id("Its disk, on an array."),
      toMiB: count("Size that the guest sees afterwards.", undefined, {
        minimum: 1,
        maximum: 67_108_864,
      }),
    },
    ["vm", "disk", "toMiB"],
  ),
  references: { vm: "vm", disk: "vmDisk" },
};
