/** Timeline operations on checkpoints. */
import type { Extension } from "../extension.ts";
import { count, id, object, oneOfWords } from "../members.ts";

export const diskCheckpoint: Extension = {
  family: "operation",
  name: "disk-checkpoint",
  description:
    "Checkpoint the disks of a running VM: freeze the layer it writes to above its raw disk, copy " +
    "that to another array, and commit what was written meanwhile. `restore` brings it back.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      to: id("The array that keeps the copy; the VM's host needs a link to it."),
      commit: oneOfWords(
        "How the new layer goes into the frozen one: `mirror` = while the guest runs; `metadata` = " +
          "in the array's map alone, nothing is copied; `pause` = while the guest waits, the older way.",
        ["mirror", "metadata", "pause"],
        "mirror",
      ),
      copyKiB: count("How much is copied at a time.", 512, { minimum: 4, maximum: 65_536 }),
    },
    ["vm", "to"],
  ),
  references: { vm: "vm", to: "array" },
};
