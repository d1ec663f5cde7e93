/**
 * Composes the JSON Schema of scenario documents from its parts and the mechanisms in use.
 *
 * What must hold: a timeline entry, guest or fault of a user's own mechanism gets exactly the
 * treatment of a built-in one; two mechanisms of one family never share a name.
 */
import { faultRates, latencyUs } from "./disk-model.ts";
import { expectationDefinitions } from "./expectations.ts";
import type { Extension, ExtensionFamily } from "./extension.ts";
import { fabricDefinitions } from "./fabric.ts";
import { builtInFaults } from "./faults.ts";
import { builtInGuests, guestDefinitions } from "./guests.ts";
import { hostDefinitions } from "./host.ts";
import type { JsonSchema } from "./json-schema.ts";
import { amount, count, id, list, milliseconds, object, phaseReference, text } from "./members.ts";
import { builtInOperations } from "./operations.ts";
import { vmDefinitions } from "./vm.ts";

export const builtInExtensions: readonly Extension[] = [
  ...builtInOperations,
  ...builtInGuests,
  ...builtInFaults,
];

interface Family {
  readonly definition: string;
  readonly tag: string;
  readonly description: string;
  readonly members: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
}

const families: Readonly<Record<ExtensionFamily, Family>> = {
  operation: {
    definition: "TimelineEntry",
    tag: "do",
    description: "An operation that starts at `atMs`, or `after` a phase of another one.",
    members: {
      id: id("Name of the operation; `after`, `during` and `expect` refer to it."),
      atMs: milliseconds("When it starts. Either this or `after`."),
      after: phaseReference(
        "Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.",
      ),
      delayMs: milliseconds("Time that passes between `after` and the start.", 0),
    },
    required: ["id"],
  },
  guest: {
    definition: "Guest",
    tag: "kind",
    description: "What runs inside a virtual machine.",
    members: {},
    required: [],
  },
  fault: {
    definition: "Fault",
    tag: "kind",
    description: "A fault that strikes `atMs`, `during` an operation's phase, or again and again.",
    members: {
      atMs: milliseconds("When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs."),
      atStep: count(
        "Strikes with the n-th durable step of the run, before what follows from it.",
        undefined,
        {
          minimum: 1,
        },
      ),
      during: phaseReference("Strikes while an operation is in a phase: `merge.copy`."),
      delayUs: amount("Time that passes between `during` and the strike, in microseconds.", 0, {
        minimum: 0,
        maximum: 3_600_000_000,
      }),
      meanIntervalMs: milliseconds("Strikes at random; mean time between two.", undefined, {
        exclusiveMinimum: 0,
      }),
      probability: amount("Chance that it strikes at all when its moment comes.", 1, {
        maximum: 1,
      }),
    },
    required: [],
  },
};

const pascal = (name: string): string =>
  name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** Name in `$defs` (and of the generated type) of what an extension contributes. */
export const definitionName = (extension: Pick<Extension, "family" | "name">): string =>
  pascal(extension.name) + pascal(extension.family);

/** The whole object schema of one timeline entry, guest or fault. */
export function entrySchema(extension: Extension): JsonSchema {
  const family = families[extension.family];
  const tag: JsonSchema = {
    type: "string",
    const: extension.name,
    description: extension.description,
  };
  return object(
    extension.description,
    { [family.tag]: tag, ...family.members, ...extension.parameters.properties },
    [family.tag, ...family.required, ...(extension.parameters.required ?? [])],
  );
}

/** Names that occur twice in one family: the caller's mistake, reported as data. */
export function duplicateExtensions(extensions: readonly Extension[]): readonly string[] {
  const names = [...builtInExtensions, ...extensions].map(definitionName);
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}

function familyDefinitions(extensions: readonly Extension[]): Record<string, JsonSchema> {
  const definitions: Record<string, JsonSchema> = {};
  for (const [familyName, family] of Object.entries(families)) {
    const members = extensions.filter((extension) => extension.family === familyName);
    for (const extension of members) {
      definitions[definitionName(extension)] = entrySchema(extension);
    }
    definitions[family.definition] = {
      description: family.description,
      type: "object",
      oneOf: members.map((extension) => ({ $ref: `#/$defs/${definitionName(extension)}` })),
      discriminator: { propertyName: family.tag },
    };
  }
  return definitions;
}

/** Names of all mechanisms of a family, as one of which a member may be. */
const nameOf = (
  family: ExtensionFamily,
  extensions: readonly Extension[],
  description: string,
): JsonSchema => ({
  type: "string",
  description,
  enum: extensions.filter((each) => each.family === family).map(({ name }) => name),
});

const search = (extensions: readonly Extension[]): JsonSchema =>
  object("What `orrery explore` may add to the scenario. A run takes no notice of it.", {
    operations: list(
      "Kinds of operation that it draws, and stories of these alone; all unless told.",
      nameOf("operation", extensions, "A kind of operation."),
      {},
    ),
    faults: list(
      "Kinds of fault that it draws; unless told all but those that damage what was promised.",
      nameOf("fault", extensions, "A kind of fault."),
      {},
    ),
  });

/** Draws are named as in `orrery log`: the entity, what for, and the how manieth of that stream. */
const choice = object(
  "A draw and its result.",
  {
    entity: text("Name of the entity that draws."),
    purpose: text("What it draws for."),
    at: count("Position in that stream, from 0."),
    result: { type: "number", description: "What comes out." },
  },
  ["entity", "purpose", "at", "result"],
);

/**
 * The schema of documents that may use the built-in mechanisms and `extensions`.
 * @param extensions a user's own operations, guests and faults; names must be new in their family
 */
export function buildScenarioSchema(extensions: readonly Extension[] = []): JsonSchema {
  const all = [...builtInExtensions, ...extensions];
  const root = object(
    "A scenario: a datacenter, what happens in it, and what is expected of it.",
    {
      $schema: text("Where this schema lies, for completion in an editor."),
      name: id("Name of the scenario; traces and reports carry it."),
      description: text("What it shows, in a sentence or two.", ""),
      seed: count("Seed of every random draw. The command line can give another.", 1),
      durationMs: milliseconds("Simulated time that the run takes.", undefined, {
        exclusiveMinimum: 0,
      }),
      hosts: list("Physical machines.", { $ref: "#/$defs/Host" }, { minItems: 1 }),
      links: list("Links between hosts and arrays.", { $ref: "#/$defs/Link" }),
      arrays: list("Storage arrays.", { $ref: "#/$defs/StorageArray" }),
      vms: list("Virtual machines.", { $ref: "#/$defs/Vm" }),
      timeline: list("Operations and when they start.", { $ref: "#/$defs/TimelineEntry" }),
      faults: list("Faults, fixed or left to the gate.", { $ref: "#/$defs/Fault" }),
      expect: list("What is expected of the run.", { $ref: "#/$defs/Expectation" }),
      choices: list(
        "Draws whose results are fixed, in place of chance: what a search has chosen.",
        choice,
        {},
      ),
      search: search(all),
    },
    ["name", "durationMs", "hosts"],
  );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "ScenarioDocument",
    ...root,
    $defs: {
      LatencyUs: latencyUs,
      FaultRates: faultRates,
      ...hostDefinitions,
      ...fabricDefinitions,
      ...vmDefinitions,
      ...guestDefinitions,
      ...familyDefinitions(all),
      ...expectationDefinitions,
    },
  };
}
