/**
 * Built-in kinds of guest: `workload`, which is described, `capture`, which was recorded, and `rv64`,
 * a real machine (guest-rv64.ts).
 *
 * What must hold: the first two check what they read, so neither may have a member that lets a wrong
 * read pass unnoticed.
 */
import type { Extension } from "./extension.ts";
import { realGuestDefinitions, rv64 } from "./guest-rv64.ts";
import { integrityDefinitions } from "./integrity.ts";
import type { JsonSchema } from "./json-schema.ts";
import {
  amount,
  count,
  flag,
  id,
  list,
  microseconds,
  milliseconds,
  object,
  oneOfWords,
  part,
  text,
} from "./members.ts";

const distribution = oneOfWords(
  "Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.",
  ["uniform", "zipf", "sequential"],
  "uniform",
);

const bootMs = milliseconds("Time from power-on until the guest reports `postboot`.", 500);

const cpu: JsonSchema = object("Processor use.", {
  busyPercent: amount("Share of its time that each thread computes.", 10, { maximum: 100 }),
});

const workingSetMembers: Readonly<Record<string, JsonSchema>> = {
  workingSetMiB: amount("Memory that is touched; at most the VM's.", undefined, {
    exclusiveMinimum: 0,
  }),
  readsPerSecond: amount("Page reads a second, all threads together.", 0),
  writesPerSecond: amount("Page writes a second, all threads together.", 0),
  distribution,
};

const memory: JsonSchema = object(
  "Memory use, in 4 KiB pages.",
  {
    ...workingSetMembers,
    fragmentationPercent: count(
      "Share of the memory's pages that the guest's page table scatters; the others lie in order.",
      0,
      { maximum: 100 },
    ),
    furtherSets: list(
      "Further working sets, each in pages of its own behind those before it. Few programs write all " +
        "their memory alike: a small set is written all the time, a large one now and then.",
      { $ref: "#/$defs/WorkloadWorkingSet" },
      { minItems: 1 },
    ),
  },
  ["workingSetMiB"],
);

const workingSet: JsonSchema = object(
  "Memory that is touched in one way, apart from other memory.",
  workingSetMembers,
  ["workingSetMiB"],
);

const blockMembers: Readonly<Record<string, JsonSchema>> = {
  disk: id("The VM's disk that is used."),
  readPercent: count("Share of requests that read; the others write.", 70, { maximum: 100 }),
  sizeKiB: amount("Size of a request.", 4, { multipleOf: 0.5, minimum: 0.5, maximum: 16_384 }),
  regionMiB: amount("Use only the first part of the disk; absent = all of it.", undefined, {
    exclusiveMinimum: 0,
  }),
  distribution,
  flushEvery: count("A flush after this many writes; 0 = never.", 32),
};

const closedBlock: JsonSchema = object(
  "Block requests, closed: each stream sends its next request when the one before is answered.",
  {
    pacing: {
      type: "string",
      const: "closed",
      description: "The next request waits for an answer.",
    },
    ...blockMembers,
    outstanding: count("Requests under way at once.", 4, { minimum: 1, maximum: 4_096 }),
    thinkTimeUs: microseconds("Pause of a stream between an answer and its next request.", 0),
  },
  ["pacing", "disk"],
);

const openBlock: JsonSchema = object(
  "Block requests, open: they arrive as a Poisson process, whether others were answered or not.",
  {
    pacing: { type: "string", const: "open", description: "Requests do not wait for answers." },
    ...blockMembers,
    requestsPerSecond: amount("Mean arrival rate.", undefined, {
      exclusiveMinimum: 0,
      maximum: 10_000_000,
    }),
  },
  ["pacing", "disk", "requestsPerSecond"],
);

const network: JsonSchema = object(
  "Messages to another VM.",
  {
    to: id("The VM that receives."),
    messagesPerSecond: amount("Mean rate.", undefined, {
      exclusiveMinimum: 0,
      maximum: 10_000_000,
    }),
    sizeBytes: count("Size of a message.", 1_024, { minimum: 1, maximum: 16_777_216 }),
    transport: oneOfWords(
      "`datagram` = may be lost; `stream` = sent again until it arrives, in order.",
      ["datagram", "stream"],
      "datagram",
    ),
  },
  ["to", "messagesPerSecond"],
);

const phaseEvent: JsonSchema = object(
  "An event that the application reports.",
  {
    name: id("Name of the event."),
    atMs: milliseconds("When, counted from the start of the phase.", 0),
  },
  ["name"],
);

const phase: JsonSchema = object(
  "One phase of a workload.",
  {
    name: id("Name of the phase, unique in its guest."),
    durationMs: milliseconds("Length of the phase, in the guest's running time.", undefined, {
      exclusiveMinimum: 0,
    }),
    threads: count("Threads that compute.", 1, { minimum: 1, maximum: 1_024 }),
    cpu: part("Processor use.", "WorkloadCpu", {}),
    memory: part("Memory use; absent = none.", "WorkloadMemory"),
    block: list("Block requests.", {
      type: "object",
      oneOf: [{ $ref: "#/$defs/ClosedBlock" }, { $ref: "#/$defs/OpenBlock" }],
      discriminator: { propertyName: "pacing" },
    }),
    network: list("Network traffic.", { $ref: "#/$defs/WorkloadNetwork" }),
    events: list("Events that the application reports.", { $ref: "#/$defs/PhaseEvent" }),
  },
  ["name", "durationMs"],
);

export const guestDefinitions: Readonly<Record<string, JsonSchema>> = {
  WorkloadPhase: phase,
  WorkloadCpu: cpu,
  WorkloadMemory: memory,
  WorkloadWorkingSet: workingSet,
  ClosedBlock: closedBlock,
  OpenBlock: openBlock,
  WorkloadNetwork: network,
  PhaseEvent: phaseEvent,
  ...realGuestDefinitions,
  ...integrityDefinitions,
};

const workload: Extension = {
  family: "guest",
  name: "workload",
  description: "A modelled workload: phases of processor, memory, block and network use.",
  parameters: object(
    "",
    {
      bootMs,
      repeat: flag("After the last phase the first one starts again.", true),
      phases: list(
        "Phases, one after the other.",
        { $ref: "#/$defs/WorkloadPhase" },
        { minItems: 1 },
      ),
      integrity: part("A guest integrity driver; absent = none.", "IntegrityDriver"),
    },
    ["phases"],
  ),
};

const capture: Extension = {
  family: "guest",
  name: "capture",
  description: "A captured block trace, played back.",
  parameters: object(
    "",
    {
      bootMs,
      file: text(
        "The captured trace: a path from the document's folder, else from Orrery's own.",
        undefined,
        { minLength: 1 },
      ),
      format: oneOfWords("Format of the file; absent = told from its first lines.", [
        "vscsi",
        "blkparse",
        "fio-iolog",
        "msr",
        "nbdkit-log",
      ]),
      disk: id("The VM's disk that the requests go to; absent = its first."),
      pacing: oneOfWords(
        "`closed` = at most the recorded number of requests under way, think times kept; " +
          "`open` = at the recorded times.",
        ["closed", "open"],
        "closed",
      ),
      timeScale: amount("Recorded times are multiplied by this.", 1, {
        exclusiveMinimum: 0,
        maximum: 1_000_000,
      }),
      limit: count("Play only the first requests; absent = all.", undefined, { minimum: 1 }),
      flushEvery: count(
        "A flush after this many writes. Needed when the file records no flushes; 0 = never.",
      ),
      wrap: flag("A sector beyond the disk is taken modulo its size instead of refused.", false),
    },
    ["file"],
  ),
};

export const builtInGuests: readonly Extension[] = [workload, capture, rv64];
