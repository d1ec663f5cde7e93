/** Built-in kinds of fault. When a fault strikes is said by members that all kinds share. */
import type { Extension, ReferenceTarget } from "./extension.ts";
import type { JsonSchema } from "./json-schema.ts";
import { amount, count, device, flag, id, milliseconds, object, oneOfWords } from "./members.ts";

type Members = Readonly<Record<string, JsonSchema>>;
type References = Readonly<Record<string, ReferenceTarget>>;

const durationMs = milliseconds("How long it lasts; absent = to the end of the run.", undefined, {
  exclusiveMinimum: 0,
});
const restartAfterMs = milliseconds(
  "Time until the domain starts again; absent = it stays down.",
  undefined,
  { exclusiveMinimum: 0 },
);

const fault = (
  name: string,
  description: string,
  members: Members,
  required: readonly string[],
  references: References,
): Extension => ({
  family: "fault",
  name,
  description,
  parameters: object("", members, required),
  references,
});

const onDevice = (name: string, description: string, counted: string): Extension =>
  fault(
    name,
    description,
    {
      device: device("An array (`array`) or a disk of a host (`host/disk`)."),
      count: count(counted, 1, { minimum: 1, maximum: 1_000_000 }),
    },
    ["device"],
    { device: "device" },
  );

const filterHang = fault(
  "filter-hang",
  "An I/O filter of a host does not answer: a request to release a disk goes to the next one.",
  {
    host: id("The host."),
    filter: count("Which of its filters, in the order in which they are asked.", 1, {
      minimum: 1,
      maximum: 2,
    }),
    durationMs,
  },
  ["host"],
  { host: "host" },
);

const domainFaults: readonly Extension[] = [
  filterHang,
  fault(
    "crash",
    "A domain fails at once: memory, and volatile caches of its devices, are lost.",
    { domain: id("A host or an array."), restartAfterMs },
    ["domain"],
    { domain: "endpoint" },
  ),
  fault(
    "power-loss",
    "A domain, or all of a rack, loses power: memory and volatile caches are lost.",
    { domain: id("A host, an array or a rack."), restartAfterMs },
    ["domain"],
    { domain: "domain" },
  ),
  fault(
    "slow",
    "A component is alive but slow (a gray failure).",
    {
      component: device("A host, an array, a link or a disk of a host (`host/disk`)."),
      factor: amount("Every service time is multiplied by this.", 10, {
        exclusiveMinimum: 1,
        maximum: 1_000_000,
      }),
      durationMs,
    },
    ["component"],
    { component: "component" },
  ),
  fault(
    "degrade",
    "A sensor's reading moves away from nominal, then the host fails.",
    {
      host: id("The host."),
      sensor: id("Its sensor."),
      reading: { type: "number", description: "Reading that is reached at the end." },
      overMs: milliseconds("Time in which the reading gets there.", 10_000, {
        exclusiveMinimum: 0,
      }),
      thenCrash: flag("The host crashes when the reading is reached.", true),
      restartAfterMs,
    },
    ["host", "sensor", "reading"],
    { host: "host" },
  ),
  fault(
    "clock-step",
    "A host's clock jumps.",
    {
      host: id("The host."),
      stepUs: amount("By how much, in microseconds; negative = back.", undefined, {
        minimum: -86_400_000_000,
        maximum: 86_400_000_000,
      }),
    },
    ["host", "stepUs"],
    { host: "host" },
  ),
];

const linkFaults: readonly Extension[] = [
  fault(
    "partition",
    "No message gets from one side to the other.",
    {
      from: id("A host or an array."),
      to: id("A host or an array."),
      oneWay: flag("Messages from `to` to `from` still arrive.", false),
      durationMs,
    },
    ["from", "to"],
    { from: "endpoint", to: "endpoint" },
  ),
  fault(
    "path-loss",
    "A host loses one of its paths (links) to an array; others go on.",
    {
      host: id("The host."),
      array: id("The array."),
      path: count("Which of the links between them, in the order listed, from 0.", 0, {
        maximum: 15,
      }),
      durationMs,
    },
    ["host", "array"],
    { host: "host", array: "array" },
  ),
];

const deviceFaults: readonly Extension[] = [
  onDevice(
    "lost-write",
    "Writes are acknowledged and never reach the medium.",
    "Next writes lost.",
  ),
  onDevice(
    "torn-write",
    "Writes are acknowledged and only some sectors land.",
    "Next writes torn.",
  ),
  onDevice("misdirected-write", "Writes land on other sectors.", "Next writes misdirected."),
  onDevice("bit-rot", "Bits of written sectors flip.", "Sectors that rot."),
  onDevice("lying-flush", "Flushes are acknowledged and do nothing.", "Next flushes that lie."),
  fault(
    "array-task",
    "Tasks of an array on copy-on-write volumes go wrong.",
    {
      array: id("An array of kind cow."),
      how: oneOfWords(
        "`lost` = carried out and forgotten; `late` = carried out, and never said to have ended; " +
          "`item` = one disk of a list fails; `torn` = a copy or a revert stops half way.",
        ["lost", "late", "item", "torn"],
        "lost",
      ),
      count: count("Next tasks (or disks of lists) that are struck.", 1, { minimum: 1 }),
    },
    ["array"],
    { array: "array" },
  ),
  onDevice("latent-error", "Written sectors cannot be read until rewritten.", "Sectors hit."),
  fault(
    "no-space",
    "Nothing more can be allocated on a device.",
    { device: device("An array (`array`) or a disk of a host (`host/disk`)."), durationMs },
    ["device"],
    { device: "device" },
  ),
];

export const builtInFaults: readonly Extension[] = [
  ...domainFaults,
  ...linkFaults,
  ...deviceFaults,
];
