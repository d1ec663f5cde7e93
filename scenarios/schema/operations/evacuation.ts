/** Moving the VMs of a host away before it fails: a word of the timeline, and a policy of a host. */
import type { Extension } from "../extension.ts";
import type { JsonSchema } from "../json-schema.ts";
import { amount, count, id, list, milliseconds, object, oneOfWords } from "../members.ts";

const members = {
  to: list(
    "Hosts to which VMs may go. Each goes to the first one that admits it; they begin with the next " +
      "one by turns.",
    id("A host."),
    { minItems: 1 },
  ),
  parallel: count("VMs that are on their way at once.", 2, { minimum: 1, maximum: 64 }),
  algorithm: oneOfWords(
    "How each is moved, as in `migrate`.",
    ["pre-copy", "fixed-rate", "stop-and-copy", "post-copy"],
    "pre-copy",
  ),
  maxMbps: amount("Rate of each move.", 1_000, { minimum: 1 }),
  startUpMs: milliseconds("What starting at the destination takes by itself.", 40),
};

export const evacuate: Extension = {
  family: "operation",
  name: "evacuate",
  description:
    "Move all VMs of a host to others while they run, the important ones first. One that nobody " +
    "admits stays. The figures tell who was moved, where, and how long each stood still.",
  parameters: object("", { host: id("The host."), ...members }, ["host", "to"]),
  references: { host: "host", to: "host" },
};

export const evacuationDefinition: JsonSchema = object(
  "VMs are moved away as soon as a sensor of the host says so. Without it, or when that comes too " +
    "late, they are restarted after the host has failed.",
  {
    at: oneOfWords("Level of any sensor at which it begins.", ["warning", "critical"], "warning"),
    ...members,
  },
  ["to"],
);
