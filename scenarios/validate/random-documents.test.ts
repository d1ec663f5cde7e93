import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../canonical-json.ts";
import { buildScenarioSchema } from "../schema/build-schema.ts";
import type { JsonSchema, JsonValue } from "../schema/json-schema.ts";
import { compileSchema } from "./compile.ts";
import { fillDefaults } from "./defaults.ts";
import { formatProblem } from "./problem.ts";
import { repair } from "./repair.ts";
import { schemaValues } from "./schema-arbitrary.ts";
import { validateDocument } from "./validate.ts";

const schema = buildScenarioSchema();
const compiled = compileSchema([]);
const documents = schemaValues(schema, schema);
const copy = (value: JsonValue) => JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

test("what the schema generates has the schema's shape", () => {
  fc.assert(
    fc.property(documents, (document) => {
      expect(compiled.findings(document)).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("well-formed documents are accepted; resolving them again changes nothing", () => {
  fc.assert(
    fc.property(documents, (document) => {
      const first = validateDocument(repair(copy(document)), { file: "d" });
      expect(first.ok ? [] : first.problems.map(formatProblem)).toEqual([]);
      if (!first.ok) return;
      const again = validateDocument(first.document, { file: "d" });
      expect(again.ok && canonicalJson(again.document)).toBe(canonicalJson(first.document));
    }),
    { numRuns: 200 },
  );
});

test("filling in keeps what was given", () => {
  fc.assert(
    fc.property(documents, (document) => {
      expect(fillDefaults(document, schema, schema)).toMatchObject(document as object);
    }),
    { numRuns: 50 },
  );
});

type Change = readonly [position: number, value: unknown, remove: boolean];

/** Replaces or removes the member at a random place. */
function mutate(document: unknown, [position, value, remove]: Change): void {
  const places: (readonly [container: Record<string, unknown>, key: string])[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(document);
  const place = places[position % places.length];
  if (!place) return;
  const [container, key] = place;
  if (remove) delete container[key];
  else container[key] = value;
}

test("mutated documents are accepted or answered with problems of one line, never a throw", () => {
  const value = fc.anything({ withBigInt: true, withDate: true, withMap: true, maxDepth: 2 });
  const change = fc.tuple(fc.nat(), value, fc.boolean());
  let refused = 0;
  fc.assert(
    fc.property(
      documents,
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (document, changes) => {
        const changed = repair(copy(document));
        changes.forEach((one) => mutate(changed, one));
        const result = validateDocument(changed, { file: "d.json" });
        if (result.ok) return;
        refused++;
        expect(result.problems.length).toBeGreaterThan(0);
        for (const problem of result.problems) {
          expect(formatProblem(problem)).toMatch(/^d\.json[^\n\r]*: [^\n\r]+$/);
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(100);
});

test("canary: a schema that forgets a bound generates documents that are refused", () => {
  const { $defs = {} } = schema;
  const host = $defs["Host"]!;
  const cores: JsonSchema = { type: "integer", minimum: -5, maximum: 5 };
  const broken: JsonSchema = {
    ...schema,
    $defs: { ...$defs, Host: { ...host, properties: { ...host.properties, cores } } },
  };
  const law = fc.property(schemaValues(broken, broken), (document) => {
    return compiled.findings(document).length === 0;
  });
  expect(fc.check(law, { numRuns: 200 }).failed).toBe(true);
});
