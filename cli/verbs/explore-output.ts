/** Schema of what `orrery explore --json` prints. */
import type { JsonSchema } from "../../scenarios/index.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });
const integer = (description: string): JsonSchema => ({ type: "integer", description });
const number = (description: string): JsonSchema => ({ type: "number", description });
const counts = (description: string): JsonSchema => ({
  type: "object",
  description,
  additionalProperties: { type: "integer" },
});

export const findingSchema: JsonSchema = {
  type: "object",
  properties: {
    invariant: text("The invariant that was broken."),
    mechanism: text("Whose it is."),
    phase: text("Phase of an operation in which it broke, or in which one was cut short before."),
    message: text("What was wrong."),
    run: integer("Number of the first run that found it."),
    runs: integer("How many runs found it."),
    document: text("The smallest document that shows it."),
    trace: text("The trace of its run."),
    reproduce: text("The one command that makes it again."),
    operations: { type: "array", description: "Operations as found, and as shrunk." },
    faults: { type: "array", description: "Faults as found, and as shrunk." },
    shrinkRuns: integer("Runs that shrinking took."),
    isMinimal: { type: "boolean", description: "All further removals were tried, and pass." },
    isReplayed: { type: "boolean", description: "The trace replays with the violation." },
  },
} as JsonSchema;

export const exploreOutput: JsonSchema = {
  type: "object",
  description: "What a search covered and found.",
  properties: {
    scenario: text("Name of the scenario."),
    seed: integer("Seed of the search."),
    strategy: text("uniform, swarm, pct or exhaustive."),
    runs: integer("Runs made."),
    forks: integer("Runs of these that went on from a moment of another one."),
    events: integer("Events that were run; a fork's own are those from its moment on."),
    simulatedNs: integer("Simulated time of all runs."),
    wallMs: integer("Real time that the search took; 0 for merged results."),
    runsPerSecond: number("Runs a second, over all workers."),
    simulatedPerReal: number("Simulated time against real time."),
    workers: integer("Worker processes."),
    lostWorkers: integer("Workers that ended before their time; their blocks were done again."),
    cpuMs: {
      type: "object",
      description: "Processor time in milliseconds, whatever else the machine did.",
      properties: {
        starting: number("Workers that load code and scenario, once each."),
        searching: number("Runs, over all workers."),
        auditing: number("Runs that were repeated."),
        coordinating: number("Sharing blocks and putting results together."),
      },
    },
    audited: integer("Runs that were repeated elsewhere, under other conditions."),
    mismatches: {
      type: "array",
      description: "Repeated runs with another root: Orrery was not deterministic.",
      items: { type: "object" },
    },
    exhaustive: {
      type: "object",
      description: "With that strategy alone.",
      properties: {
        states: integer("States at which something could be chosen, each once."),
        merged: integer("Runs that ended where another one had been."),
        behaviours: integer("Sequences of choices that the runs stand for, to a first violation."),
        open: integer("Choices that were met and not made; 0 when complete."),
        done: number("Part that is done, from 0 to 1, by an estimate."),
        unverified: integer("Findings that their document does not show; never any."),
        isComplete: { type: "boolean", description: "Nothing was left out." },
      },
    },
    reached: counts("Runs in which each state was reached that a search should reach."),
    unreached: { type: "array", items: { type: "string" }, description: "States never reached." },
    cells: counts("Runs for each cell (phase | fault | phase of another operation)."),
    outcomes: counts("Runs in which an operation of a kind ended so: `snapshot complete`."),
    incomplete: {
      type: "array",
      items: { type: "string" },
      description: "Kinds of operation that began and were complete in no run.",
    },
    findings: { type: "array", description: "What was found, each once.", items: findingSchema },
    result: { type: ["string", "null"], description: "The result file, for --merge." },
  },
} as JsonSchema;
