/** Schema of what `orrery run --json` prints. */
import type { JsonSchema } from "../../scenarios/index.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });
const integer = (description: string): JsonSchema => ({ type: "integer", description });
const map = (description: string): JsonSchema => ({
  type: "object",
  description,
  additionalProperties: { type: "string" },
});
const list = (description: string): JsonSchema => ({
  type: "array",
  description,
  items: { type: "object" },
});

export const runOutput: JsonSchema = {
  type: "object",
  description: "The outcome of a run.",
  properties: {
    scenario: text("Name of the scenario."),
    seed: integer("Seed of every draw."),
    codeVersion: text("Hash over the sources of core and scenarios."),
    outcome: text("complete, violation or interrupted."),
    events: integer("Events run."),
    draws: integer("Values drawn through the gate."),
    durableSteps: integer("Times that something became durable."),
    simulatedNs: integer("Simulated time of the last event, in nanoseconds."),
    wallMs: integer("Real time that the run took, in milliseconds."),
    root: text("Root of the run: 16 hex digits."),
    domains: map("Root of each failure domain."),
    vms: map("Running hash of each VM's output."),
    trace: { type: ["string", "null"], description: "The trace file." },
    violations: list("Broken invariants, failed expectations, handlers that threw."),
    unreached: {
      type: "array",
      description: "States that a search should reach and this run did not.",
      items: { type: "string" },
    },
    operations: list("Operations with their phases, outcome and figures."),
  },
} as JsonSchema;
