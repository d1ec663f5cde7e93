/** What hosts are connected to: links and storage arrays. */
import { diskModelMembers } from "./disk-model.ts";
import type { JsonSchema } from "./json-schema.ts";
import {
  amount,
  count,
  flag,
  id,
  latency,
  list,
  microseconds,
  milliseconds,
  object,
  oneOfWords,
  part,
  perMillion,
} from "./members.ts";

const link: JsonSchema = object(
  "A link between two hosts, or a host and an array. Both directions have the same figures.",
  {
    id: id("Name of the link; absent = the two ends, joined by `--`."),
    between: list("The two ends: ids of hosts or arrays.", id("A host or an array."), {
      minItems: 2,
      maxItems: 2,
    }),
    bandwidthMbps: amount("Rate of each direction, in 10^6 bits a second.", 10_000, {
      exclusiveMinimum: 0,
    }),
    latencyUs: microseconds("Propagation time, one way.", 50),
    jitterUs: microseconds("Most that a message is delayed on top, drawn evenly.", 0),
    lossPerMillion: perMillion("Messages that are lost."),
    duplicatePerMillion: perMillion("Messages that arrive twice."),
    reorderPerMillion: perMillion("Messages that later ones may overtake."),
    queueKiB: count("Queue of each direction; what does not fit is dropped.", 1_024, {
      minimum: 1,
    }),
  },
  ["between"],
);

const ownership: JsonSchema = object(
  "Ownership of virtual disks: one host at a time, in an epoch that rises with each change.",
  {
    fencing: oneOfWords(
      "What the array holds each request against: `epoch` = the owner's name and the epoch in " +
        "which it opened the disk; `owner-name` = the name alone, as was done before epochs " +
        "(unsafe: a late request of an earlier time as the owner is taken).",
      ["epoch", "owner-name"],
      "epoch",
    ),
    heartbeatMs: milliseconds("How often a host that owns disks says that it is alive.", 150, {
      minimum: 1,
    }),
    leaseMs: milliseconds(
      "Silence after which an owner counts as dead. A VM that starts elsewhere after the death of " +
        "its host waits for it: with the defaults about 0.6 s, what clocks may drift and the pause " +
        "between two looks included.",
      500,
      { minimum: 1 },
    ),
    maxDriftPpm: count("How far a watcher reckons that clocks may run apart.", 10_000, {
      maximum: 1_000_000,
    }),
  },
);

const storageArray: JsonSchema = object(
  "A storage array: a failure domain of its own, reached over links; each link is a path.",
  {
    id: id("Name of the array."),
    rack: id("Rack whose power the array shares; a fault can name it as its domain."),
    kind: oneOfWords(
      "How the array keeps snapshots: `redo` = chains of redo logs; `cow` = also copy-on-write " +
        "volumes behind VASA verbs.",
      ["redo", "cow"],
      "redo",
    ),
    chunkKiB: count(
      "Copy-on-write volumes: unit in which the array copies and tells differences.",
      256,
      { enum: [64, 128, 256, 512, 1_024, 4_096] },
    ),
    capacityMiB: count(
      "Space for virtual volumes; beyond it, writes fail with no space.",
      1_048_576,
      {
        minimum: 1,
      },
    ),
    ownership: part("How hosts own the virtual disks on it.", "DiskOwnership", {}),
    writeCacheProtected: flag("The write cache survives a power loss (battery or flash).", true),
    ...diskModelMembers,
    readLatencyUs: latency("Time for a read inside the array, before transfer.", 200),
    writeLatencyUs: latency("Time until the array acknowledges a write, before transfer.", 100),
    queueDepth: count("Requests that the array works on at once; more wait.", 256, {
      minimum: 1,
      maximum: 65_536,
    }),
    writeCacheMiB: count(
      "Write cache; 0 = off, every write durable before it is acknowledged.",
      512,
    ),
  },
  ["id"],
);

export const fabricDefinitions: Readonly<Record<string, JsonSchema>> = {
  DiskOwnership: ownership,
  Link: link,
  StorageArray: storageArray,
};
