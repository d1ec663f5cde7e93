import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadScenario, type LoadOptions } from "./load.ts";
import { formatProblem } from "./validate/problem.ts";

const publicDoor = JSON.stringify(pathToFileURL(join(import.meta.dirname, "public.ts")).href);
const document = {
  name: "loaded",
  durationMs: 1_000,
  hosts: [{ id: "alpha", cores: 2, memoryMiB: 4_096 }],
  arrays: [{ id: "array" }],
  links: [{ between: ["alpha", "array"] }],
  vms: [
    {
      id: "db",
      host: "alpha",
      memoryMiB: 512,
      guest: { kind: "capture", file: "small.csv" },
      disks: [{ id: "data", on: "array", sizeMiB: 64 }],
    },
  ],
};

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-load-"));
  const files: Readonly<Record<string, string>> = {
    "small.csv": "",
    "plain.json": JSON.stringify(document),
    "reordered.json": JSON.stringify(Object.fromEntries(Object.entries(document).reverse())),
    "typed.mts":
      `import { captured, runIfMain, scenario } from ${publicDoor};\n` +
      `const guest = captured("small.csv");\n` +
      `const [vm] = ${JSON.stringify(document.vms)};\n` +
      `export default scenario({ ...${JSON.stringify(document)}, vms: [{ ...vm, guest }] });\n` +
      `await runIfMain(import.meta);\n`,
    "own.mts":
      `import { scenario } from ${publicDoor};\n` +
      `const beat = { family: "operation", name: "beat", description: "Beats.", parameters: {} };\n` +
      `const timeline = [{ id: "b", do: "beat", atMs: 1 }];\n` +
      `export default scenario({ ...${JSON.stringify(document)}, timeline }, { mechanisms: [beat] });\n`,
    "throws.mts": `throw new Error("no such moon");\n`,
    "nothing.mts": `export const document = {};\n`,
    "broken.json": `{\n  "name": "x",\n}`,
    "hostile.json": `{"__proto__": {"name": "x"}, "name": "x"}`,
    "scenario.txt": "",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true }));

async function loaded(name: string, options?: LoadOptions) {
  const result = await loadScenario(join(folder, name), options);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.scenario;
}

async function problems(name: string, options?: LoadOptions): Promise<string> {
  const result = await loadScenario(join(folder, name), options);
  return result.ok ? "" : result.problems.map(formatProblem).join("\n").replaceAll(folder, "");
}

test("a module and a JSON file of the same document, in any order, are the same", async () => {
  const plain = await loaded("plain.json");
  expect((await loaded("typed.mts")).canonical).toBe(plain.canonical);
  expect((await loaded("reordered.json")).hash).toBe(plain.hash);
  expect(plain.canonical).not.toContain(folder);
  expect(plain.inputs).toEqual([{ vm: "db", name: "small.csv", path: join(folder, "small.csv") }]);
});

test("settings and seed change the document and its hash, the seed last", async () => {
  const plain = await loaded("plain.json");
  const settings = ["/hosts/alpha/cores=4", "/seed=3"];
  const changed = await loaded("plain.json", { settings, seed: 9 });
  expect(changed.document).toMatchObject({ seed: 9, hosts: [{ cores: 4 }] });
  expect(changed.hash).not.toBe(plain.hash);
});

test("a scenario brings its own mechanisms", async () => {
  const { own, document: resolved } = await loaded("own.mts");
  expect(own.mechanisms).toMatchObject([{ name: "beat" }]);
  expect(resolved.timeline).toMatchObject([{ do: "beat", delayMs: 0 }]);
});

test.each([
  ["missing.json", "/missing.json: does not exist (expected a scenario file)"],
  ["scenario.txt", "/scenario.txt: is of an unknown kind (expected a file named .json, .ts"],
  ["broken.json", "/broken.json: is not JSON at line 3, column 1: "],
  ["hostile.json", '/hostile.json /__proto__: member "__proto__" is not allowed'],
  ["throws.mts", "/throws.mts: cannot be loaded: no such moon"],
  ["nothing.mts", "/nothing.mts: has no default export"],
])("%s is answered with one line", async (name, line) => {
  const text = await problems(name);
  expect(text.slice(0, line.length)).toBe(line);
  expect(text).not.toContain("\n");
});

test("an input that does not exist and a setting that leads nowhere are problems", async () => {
  expect(await problems("plain.json", { settings: ["/vms/db/guest/file=other.csv"] })).toBe(
    "/plain.json /vms/0/guest/file: there is no file other.csv " +
      "(expected a path from the document's folder, or from Orrery's)",
  );
  expect(await problems("plain.json", { settings: ["/hosts/gamma/cores=1"] })).toContain(
    "/plain.json /hosts/gamma: --set /hosts/gamma/cores=1: no such element",
  );
});
