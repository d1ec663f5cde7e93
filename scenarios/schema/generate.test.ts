import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { buildScenarioSchema } from "./build-schema.ts";
import { generatedFiles } from "./generate.ts";
import type { JsonSchema } from "./json-schema.ts";

const files = await generatedFiles();

test.each(Object.keys(files))("%s is current (npm run schema:types)", async (name) => {
  const onDisk = await readFile(new URL(name, import.meta.url), "utf8");
  expect(onDisk === files[name], `${name} differs from the schema`).toBe(true);
});

/** Members without a description, as paths. */
function undescribed(schema: JsonSchema, path: string): readonly string[] {
  const members = Object.entries({ ...schema.properties, ...schema.$defs });
  return members.flatMap(([name, member]) => [
    ...(member.description === undefined || member.description === "" ? [`${path}/${name}`] : []),
    ...undescribed(member, `${path}/${name}`),
  ]);
}

test("every member has a description: it is the help", () => {
  expect(undescribed(buildScenarioSchema(), "")).toEqual([]);
});

test("canary: a member without a description is found", () => {
  const schema: JsonSchema = { properties: { host: { properties: { cores: {} } } } };
  expect(undescribed(schema, "")).toEqual(["/host", "/host/cores"]);
});
