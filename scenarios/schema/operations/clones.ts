/** Timeline operations on linked clones. */
import type { Extension } from "../extension.ts";
import { count, id, object, oneOfWords } from "../members.ts";

export const linkedClone: Extension = {
  family: "operation",
  name: "linked-clone",
  description:
    "Put the disks of a VM that is off on a point in time of another VM; nothing is copied. On redo " +
    "logs the point in time stays as long as the clone stands on it; copy-on-write disks share " +
    "chunks, which the array keeps as long as a clone needs them, and the point may be given up.",
  parameters: object(
    "",
    {
      vm: id("The VM that keeps the point in time."),
      point: id(
        "The snapshot operation that took it. Absent: one is taken of the running VM, under the name " +
          "of this operation; on redo logs it stays, of copy-on-write disks it is given up again.",
      ),
      clone: id("The VM whose disks of the same names are replaced."),
    },
    ["vm", "clone"],
  ),
  references: { vm: "vm", point: "operation", clone: "vm" },
};

export const promote: Extension = {
  family: "operation",
  name: "promote",
  description:
    "Make a linked clone a full one while it runs: its disks get a base of their own. Of " +
    "copy-on-write disks the array copies up what is still shared, also while the VM is off, and " +
    "points in time stay; `snapshots` and `copyKiB` then say nothing.",
  parameters: object(
    "",
    {
      vm: id("The clone."),
      snapshots: oneOfWords(
        "What to do when the clone has points in time of its own.",
        ["refuse", "carry"],
        "refuse",
      ),
      copyKiB: count("How much is locked and copied at a time.", 512, {
        minimum: 4,
        maximum: 65_536,
      }),
    },
    ["vm"],
  ),
  references: { vm: "vm" },
};
