/** Virtual machines and their disks. What runs inside is a guest kind (see `guests.ts`). */
import type { JsonSchema } from "./json-schema.ts";
import {
  count,
  device,
  flag,
  id,
  list,
  milliseconds,
  object,
  oneOfWords,
  text,
} from "./members.ts";

const protection: JsonSchema = object(
  "Fault tolerance: a copy on another host takes the same steps, and goes on when this one is lost. " +
    "Its disks are on arrays that keep what they acknowledged.",
  {
    kind: oneOfWords("`log-replay` = the copy follows the log of what the guest receives.", [
      "log-replay",
    ]),
    host: id("Host of the copy."),
    heartbeatMs: milliseconds("How often either side says that it is there.", 10, { minimum: 1 }),
    timeoutMs: milliseconds("Silence after which the other side is suspected.", 100, {
      minimum: 1,
    }),
    maxLagMs: milliseconds("The VM waits when its copy is further behind.", 1_000, { minimum: 1 }),
  },
  ["kind", "host"],
);

const alertPolicy: JsonSchema = object(
  "What its host does when the integrity driver in the guest has something to be told of, beside telling.",
  {
    do: oneOfWords(
      "`log` = nothing more; `pause` = the VM stands still at the violating write, with nothing behind " +
        "it done, until an `unpause` operation; `snapshot` = it stands still there until a checkpoint of " +
        "its memory, and of its disks if they are redo logs, has its instant, and goes on. Of the VM `db` " +
        "they are the operations `db-alert-1`, `db-alert-2` and so on.",
      ["log", "pause", "snapshot"],
      "log",
    ),
    on: id(
      "Of `snapshot`: the array that keeps the checkpoints; the VM's host needs a link to it.",
    ),
    atMost: count("Of `snapshot`: so many checkpoints; later alerts are told and no more.", 8, {
      minimum: 1,
      maximum: 1_000,
    }),
  },
);

const vmDisk: JsonSchema = object(
  "A virtual disk.",
  {
    id: id("Name of the disk, unique in its VM; elsewhere it is `vm:disk`."),
    on: device(
      "Where it lies: an array (`array`; all disks of a VM on arrays are on the same one) or a disk of " +
        "the VM's host (`host/disk`), all of it.",
    ),
    sizeMiB: count("Size that the guest sees.", undefined, { minimum: 1, maximum: 67_108_864 }),
    image: text(
      "What it holds at the start: an image file (qcow2, VMDK, or raw named `.raw` or `.img`), " +
        "from the document's folder. A chain of files, or snapshots inside one, become redo logs " +
        "and points in time of a disk of kind `redo`.",
      undefined,
      { minLength: 1 },
    ),
    kind: oneOfWords(
      "`redo` = a chain of redo logs, can be snapshotted; `cow` = a copy-on-write volume of an " +
        "array of that kind, snapshotted by the array; `flat` = one raw volume, or a host's disk, " +
        "cannot; `network` = a volume that the guest itself mounts over its network.",
      ["redo", "cow", "flat", "network"],
      "redo",
    ),
    grainKiB: count("Unit in which a redo log copies on write.", 64, {
      enum: [4, 8, 16, 32, 64, 128, 256, 512, 1_024],
    }),
    cacheMode: oneOfWords(
      "Use of the host's page cache. With `writeback` a write is acknowledged before it is " +
        "anywhere but in the host's memory.",
      ["none", "writethrough", "writeback"],
      "none",
    ),
  },
  ["id", "on", "sizeMiB"],
);

const vm: JsonSchema = object(
  "A virtual machine.",
  {
    id: id("Name of the virtual machine."),
    host: id("Host on which it is at the start."),
    restartOn: list(
      "Hosts on which it may be restarted when its host fails, best first; none = it stays down.",
      id("A host."),
      { default: [], uniqueItems: true },
    ),
    priority: count("Of several waiting to be restarted, the highest goes first.", 0, {
      maximum: 1_000,
    }),
    poweredOn: flag("Powered on at the start.", true),
    memoryMiB: count("Memory that the guest sees.", undefined, {
      minimum: 1,
      maximum: 67_108_864,
    }),
    vcpus: count("Virtual processors.", 1, { minimum: 1, maximum: 256 }),
    shares: count("Weight in the processor scheduler, for each virtual processor.", 1_000, {
      minimum: 1,
      maximum: 1_000_000,
    }),
    protection: {
      description: "How it is protected against the loss of its host; absent: not at all.",
      $ref: "#/$defs/Protection",
    },
    onAlert: {
      description: "What an alert of its integrity driver leads to; absent: it is told.",
      $ref: "#/$defs/AlertPolicy",
    },
    guest: { description: "What runs inside.", $ref: "#/$defs/Guest" },
    disks: list("Virtual disks.", { $ref: "#/$defs/VmDisk" }),
  },
  ["id", "host", "memoryMiB", "guest"],
);

export const vmDefinitions: Readonly<Record<string, JsonSchema>> = {
  AlertPolicy: alertPolicy,
  Protection: protection,
  Vm: vm,
  VmDisk: vmDisk,
};
