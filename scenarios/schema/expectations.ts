/** What a document expects of its run; an expectation that fails is a violation. */
import type { JsonSchema } from "./json-schema.ts";
import { count, id, milliseconds, object, oneOfWords, text } from "./members.ts";

const operation: JsonSchema = object(
  "A timeline operation ends in the named way.",
  {
    operation: id("The id of a timeline entry."),
    outcome: text("`complete`, or the code of the failure that is expected.", "complete", {
      pattern: "^[a-z][a-z0-9-]*$",
    }),
    withinMs: milliseconds("Longest time from its start to its end; absent = any."),
  },
  ["operation"],
);

const vm: JsonSchema = object(
  "A virtual machine is in the named state at the end.",
  {
    vm: id("The VM."),
    state: oneOfWords("Its state.", ["running", "stunned", "off"], "running"),
    host: id("The host that it is on; absent = any."),
    alerts: count("Alerts of its integrity driver in the whole run; absent = any."),
  },
  ["vm"],
);

const invariant: JsonSchema = object(
  "An invariant, or a state that the run should reach, came out in the named way.",
  {
    invariant: text("Its name.", undefined, { minLength: 1 }),
    outcome: oneOfWords(
      "`holds`; `violated` = the run is expected to break it; `reached` (of a `sometimes`).",
      ["holds", "violated", "reached"],
      "holds",
    ),
  },
  ["invariant"],
);

const metric: JsonSchema = object(
  "A metric of the run, over its whole length, lies between bounds.",
  {
    metric: text("Its name, as `orrery run --json` prints it.", undefined, { minLength: 1 }),
    atLeast: { type: "number", description: "Lower bound; absent = none." },
    atMost: { type: "number", description: "Upper bound; absent = none." },
  },
  ["metric"],
);

export const expectationDefinitions: Readonly<Record<string, JsonSchema>> = {
  ExpectOperation: operation,
  ExpectVm: vm,
  ExpectInvariant: invariant,
  ExpectMetric: metric,
  Expectation: {
    description: "One expectation: of an operation, a VM, an invariant or a metric.",
    oneOf: ["ExpectOperation", "ExpectVm", "ExpectInvariant", "ExpectMetric"].map((name) => ({
      $ref: `#/$defs/${name}`,
    })),
  },
};
