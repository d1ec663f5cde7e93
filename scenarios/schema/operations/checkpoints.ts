/** Timeline operations on checkpoints. */
import type { Extension } from "../extension.ts";
import { count, flag, id, milliseconds, object, oneOfWords } from "../members.ts";

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

const on = id("The array that keeps the VM's checkpoints; its host needs a link to it.");

const buffers = {
  blockKiB: count("Size of a block of memory, which is saved at once.", 256, {
    minimum: 4,
    maximum: 4_096,
    multipleOf: 4,
  }),
  groupBlocks: count("Blocks that are written together, as one storage block.", 4, {
    minimum: 2,
    maximum: 64,
  }),
  stagingBlocks: count("Blocks that may be copied and not written yet.", 32, {
    minimum: 4,
    maximum: 4_096,
  }),
  sideMiB: count("Room for pages that are copied aside, or redirected.", 64, { minimum: 1 }),
};

export const checkpoint: Extension = {
  family: "operation",
  name: "checkpoint",
  description:
    "Save memory and devices of a running VM, all of one instant. `restore-checkpoint` brings it back. " +
    "Pages that a restore has not brought yet stay in its file, on which the new one then stands.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      on,
      method: oneOfWords(
        "How pages stay as they were while the guest goes on: `lazy` = the block of a page is saved " +
          "before its first write; `copy-aside` = the page is copied to a side buffer; `redirect` = " +
          "the write goes to another page, merged later; `stop-and-copy` = the guest stands still, " +
          "the older way.",
        ["lazy", "copy-aside", "redirect", "stop-and-copy"],
        "lazy",
      ),
      withDisks: flag("Also take a point in time of its disks at the same instant.", false),
      keepOlder: flag("Keep older checkpoints of the VM.", false),
      base: id(
        "Save only pages written since this checkpoint operation, or since the `last` one, and stand " +
          "on it: it stays as long as it is needed. What is written is noted from the first checkpoint " +
          "with a base on, on one host, while the VM runs; where it is not known, all is saved.",
      ),
      longestChain: count("So many stand on each other at most; the next one saves all.", 8, {
        minimum: 1,
        maximum: 64,
      }),
      ...buffers,
    },
    ["vm", "on"],
  ),
  references: { vm: "vm", on: "array" },
};

export const suspend: Extension = {
  family: "operation",
  name: "suspend",
  description:
    "Save memory and devices of a running VM and switch it off; `resume` goes on with it. Pages that a " +
    "restore has not brought yet stay in its file.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      on,
      workingSet: oneOfWords(
        "How it is found out which pages the VM uses, so that `resume` can load those first. It runs on " +
          "meanwhile, and is saved in the background: `traced` = the first access to each page faults; " +
          "`access-bits` = the processor's bits are looked at; `none` = nobody looks, and the VM stands " +
          "still while it is saved, the older way.",
        ["traced", "access-bits", "none"],
        "none",
      ),
      traceMs: milliseconds("For so long at least it is looked which pages are used.", 100),
      ...buffers,
    },
    ["vm", "on"],
  ),
  references: { vm: "vm", on: "array" },
};

const restoring = {
  vm: id("The VM, which is off."),
  on,
  host: id("Where it goes on. Default: where it was."),
  method: oneOfWords(
    "`lazy` = it goes on at once, and what is not there yet is read when it is touched; " +
      "`working-set` = the pages that it used when it was suspended are read before, the rest as with " +
      "`lazy`; `deferred` = as `lazy`, but it is known of each page before whether it is zeros or one word " +
      "again and again, and such a page is made when it is touched; `eager` = all is read before, the " +
      "older way.",
    ["lazy", "working-set", "deferred", "eager"],
    "lazy",
  ),
  prefetch: oneOfWords(
    "What is read with a page that the VM waits for: pages behind the `virtual` neighbours of its address, " +
      "by the guest's own page table, or `physical` neighbours, the older way.",
    ["none", "virtual", "physical"],
    "none",
  ),
  prefetchPages: count("Neighbours on each side.", 8, { minimum: 1, maximum: 512 }),
  readsAtOnce: count("Storage blocks that are read at once in the background.", 2, {
    minimum: 0,
    maximum: 64,
  }),
};

export const resume: Extension = {
  family: "operation",
  name: "resume",
  description:
    "Go on with a suspended VM. Refused as `spent` where it was started or reverted since, or has been " +
    "resumed before: its disks are others by then.",
  parameters: object("", restoring, ["vm", "on"]),
  references: { vm: "vm", on: "array", host: "host" },
};

export const restoreCheckpoint: Extension = {
  family: "operation",
  name: "restore-checkpoint",
  description:
    "Go on with a VM that is off from one of its checkpoints, its disks included. Refused as " +
    "`disks-not-saved` where a disk of the VM has no point in time of that instant (`withDisks`).",
  parameters: object(
    "",
    { ...restoring, checkpoint: id("The checkpoint operation. Default: the last one.") },
    ["vm", "on"],
  ),
  references: { vm: "vm", on: "array", host: "host", checkpoint: "operation" },
};

export const mergeCheckpoints: Extension = {
  family: "operation",
  name: "merge-checkpoints",
  description:
    "Make one file of an incremental checkpoint and all that it stands on, while the VM runs: its host " +
    "reads and writes them, and what nothing stands on any more goes. Until the one file counts, the " +
    "chain is the checkpoint, and others may be made on it.",
  parameters: object(
    "",
    {
      vm: id("The VM, which runs."),
      on,
      checkpoint: id("The checkpoint operation. Default: the last one."),
      keepOlder: flag("Keep those that it stood on as checkpoints of their own.", false),
    },
    ["vm", "on"],
  ),
  references: { vm: "vm", on: "array", checkpoint: "operation" },
};
