/** Timeline operations on all that is kept of a VM's disks: points in time and their order. */
import type { Extension } from "../extension.ts";
import { count, flag, id, object, oneOfWords } from "../members.ts";

const vm = id("The VM.");
const point = id("The snapshot operation that took the point in time.");

export const revert: Extension = {
  family: "operation",
  name: "revert",
  description:
    "Put the disks of a VM back to a point in time. Copy-on-write disks are reverted by the array, " +
    "guarded by a safety snapshot; on redo logs a new one is put on the point. A VM that is on is " +
    "refused, or restarted.",
  parameters: object(
    "",
    {
      vm,
      point,
      restart: flag(
        "A VM that is on is stunned, its disks are reverted, and it boots from them: its guest " +
          "cannot go on when they change under it. A revert that fails lets it go on.",
        false,
      ),
    },
    ["vm", "point"],
  ),
  references: { vm: "vm", point: "operation" },
};

export const deleteSnapshot: Extension = {
  family: "operation",
  name: "delete-snapshot",
  description:
    "Give up a point in time. With copy-on-write disks no data moves, and the VM may be on or off; " +
    "on redo logs this is `consolidate` with a mirror.",
  parameters: object("", { vm, point }, ["vm", "point"]),
  references: { vm: "vm", point: "operation" },
};

export const clone: Extension = {
  family: "operation",
  name: "clone",
  description:
    "Copy a VM's disks with all their points in time, from the differences between them, to disks " +
    "of another name on the same array. With `point` the copy ends at that point in time. Of a VM " +
    "that is on, and without `point`, it is of the moment: a point in time is taken for it and given " +
    "up again.",
  parameters: object(
    "",
    {
      vm,
      as: id("Name of the copy: what a VM of that name would find as its disks."),
      point: id("The snapshot operation up to which is copied; absent = all, and what runs."),
      format: oneOfWords(
        "`cow` = copy-on-write volumes, on an array that has them; `redo` = redo logs.",
        ["cow", "redo"],
        "redo",
      ),
    },
    ["vm", "as"],
  ),
  references: { vm: "vm", point: "operation" },
};

export const migrateDiskFormat: Extension = {
  family: "operation",
  name: "migrate-disk-format",
  description:
    "Make copy-on-write disks of redo logs, or the other way round, with all points in time. Of a VM " +
    "that is on the guest's writes go to both while what runs is copied, and it is stunned shortly " +
    "for the switch.",
  parameters: object(
    "",
    {
      vm,
      to: oneOfWords("What the disks become.", ["cow", "redo"], undefined),
      copyKiB: count("Of a VM that is on: how much is locked and copied at a time.", 512, {
        minimum: 4,
        maximum: 65_536,
      }),
    },
    ["vm", "to"],
  ),
  references: { vm: "vm" },
};

export const collectGarbage: Extension = {
  family: "operation",
  name: "collect-garbage",
  description:
    "Let an array go of copy-on-write volumes and descriptors that nothing leads to. What belongs " +
    "to an operation that has begun stays.",
  parameters: object("", { array: id("The array."), host: id("Host that does the work.") }, [
    "array",
    "host",
  ]),
  references: { array: "array", host: "host" },
};
