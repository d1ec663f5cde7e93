/**
 * The house rules as an ordinary test. Each rule is held against the tree, and has a canary: a
 * planted breach that it must find.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { coreBreaches } from "./core-rules.ts";
import { changelogBreaches, commandBreaches, manifestBreaches, verbsOf } from "./document-rules.ts";
import { checkImports, FEWEST_MODULES, REPOSITORY } from "./imports.ts";
import { isAssembly, isCode, isGenerated, isRule, isTest, sourceTree } from "./source-tree.ts";
import { LONG_FILES, textBreaches } from "./text-rules.ts";

const files = sourceTree(REPOSITORY);
const read = (path: string): string => readFileSync(join(REPOSITORY, path), "utf8");
const paths = new Set(files.map(({ path }) => path));
const scripts = new Set(
  Object.keys((JSON.parse(read("package.json")) as { scripts: object }).scripts),
);
const known = { scripts, paths, verbs: verbsOf(files) };

describe("determinism in core", () => {
  const core = files.filter(
    (file) =>
      /^core\/.*\.ts$/.test(file.path) && !isTest(file) && !isAssembly(file) && !isGenerated(file),
  );

  it("reads no clock, chance, machine or open last bit, and keeps no state outside", () => {
    expect(core.length).toBeGreaterThan(100);
    expect(core.flatMap(coreBreaches)).toEqual([]);
  });

  it.each([
    ["const at = Date.now();", "Date"],
    ["const at = performance.now();", "performance"],
    ["const one = Math.random();", "Math.random"],
    ["const { log } = Math;", "Math as a value"],
    ['const log = Math["log"];', "Math as a value"],
    ["const cube = x ** 3;", "** on numbers"],
    ["const root = 2 ** 0.5;", "** on numbers"],
    ["const seed = process.env['SEED'];", "process"],
    ["setTimeout(f, 1);", "setTimeout"],
    ["const text = (12.5).toLocaleString();", ".toLocaleString"],
    ['import { readFileSync } from "node:fs";', "node:fs"],
    ["let counter = 0;", "module-level let"],
    ["const seen = new Map<string, number>();", "module-level seen starts empty"],
    ["export const all: string[] = [];", "module-level all starts empty"],
    ["enum Colour { Red }", "enum"],
    ["const world = globalThis;", "globalThis"],
  ])("finds %s", (text, what) => {
    expect(coreBreaches({ path: "core/planted.ts", text })).toEqual([`core/planted.ts:1 ${what}`]);
  });

  it.each([
    "const grains = 2 ** 40;",
    "const wide = 2n ** 64n;",
    "const f = (process: number) => process + Math.floor(1.5) + Math.PI;",
    "const names = new Set(['Date']); // Date.now() is forbidden",
    "const cache = new WeakMap<object, number>();",
    "const table = { process: 1, log: (x: { Date: number }) => x.Date };",
  ])("lets %s be", (text) => {
    expect(coreBreaches({ path: "core/fine.ts", text })).toEqual([]);
  });
});

describe("imports", () => {
  it("run one way and enter other folders by their door", async () => {
    const { modules, dependencies, violations } = await checkImports();
    expect(modules).toBeGreaterThan(FEWEST_MODULES);
    expect(dependencies).toBeGreaterThan(modules);
    expect(violations).toEqual([]);
  });

  it("finds planted breaches", async () => {
    const root = mkdtempSync(join(tmpdir(), "orrery-imports-"));
    const plant = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    try {
      plant("core/kernel/index.ts", 'export * from "./a.ts";\n');
      plant("core/kernel/a.ts", 'import "../platform/index.ts";\nexport * from "./b.ts";\n');
      plant("core/kernel/b.ts", 'export * from "./a.ts";\nimport "./gone.ts";\n');
      plant("core/platform/index.ts", 'import "../kernel/a.ts";\nimport type {} from "node:fs";\n');
      plant("traces/index.ts", 'export type { X } from "../cli/main.ts";\n');
      plant("cli/main.ts", 'export type X = number;\nimport "../core/kernel/index.ts";\n');
      const { violations } = await checkImports(root);
      const rules = new Set(violations.map((line) => line.split(":")[0]));
      expect([...rules].sort()).toEqual([
        "core-kernel",
        "core-receives-bytes",
        "doors",
        "layers-traces",
        "no-cycles",
        "resolvable",
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});

describe("texts", () => {
  it("have no leftovers, no paths of one machine, and house lengths", () => {
    expect(files.length).toBeGreaterThan(FEWEST_MODULES);
    expect(files.flatMap(textBreaches)).toEqual([]);
  });

  it("lists long files that exist only", () => {
    expect(Object.keys(LONG_FILES).filter((path) => !paths.has(path))).toEqual([]);
  });

  it.each([
    ["// TODO: later", "leftover TODO"],
    ['vi.mock("./clock.ts");', "vi.mock, where files share modules"],
    ["const where = '/work/here';", "a path of one machine: /work/"],
    ["// see /root/x", "a path of one machine: /root/"],
    [`const x = ${"1 + ".repeat(30)}1;`, "132 characters"],
  ])("finds %s", (line, what) => {
    expect(textBreaches({ path: "cli/x.ts", text: line })).toEqual([`cli/x.ts:1 ${what}`]);
  });

  it("finds a file that is too long", () => {
    const [breach] = textBreaches({ path: "cli/x.ts", text: "f();\n".repeat(401) });
    expect(breach).toBe("cli/x.ts has 401 lines, over 400");
  });
});

describe("documents", () => {
  const documents = files.filter(({ path }) => /^(docs\/.*|[A-Z]+)\.md$/.test(path));

  it("are there", () => {
    const needed = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", ".ci/run"];
    expect(needed.filter((path) => !paths.has(path))).toEqual([]);
  });

  it("and messages name commands that exist", () => {
    const code = files.filter((file) => isCode(file) && !isRule(file));
    expect(code.flatMap((file) => commandBreaches(file, known))).toEqual([]);
    expect(documents.flatMap((document) => commandBreaches(document, known))).toEqual([]);
  });

  it("finds commands that do not exist", () => {
    const text = "npm run nothing, npx orrery fly, npx tsx scenarios/gone.ts, npm run lint";
    expect(commandBreaches({ path: "X.md", text }, known)).toEqual([
      "X.md: npm run nothing",
      "X.md: npx orrery fly",
      "X.md: npx tsx scenarios/gone.ts",
    ]);
  });

  it("keep the changelog's unreleased section on top", () => {
    expect(changelogBreaches({ path: "CHANGELOG.md", text: read("CHANGELOG.md") })).toEqual([]);
    const text = "# Changelog\n\n## 1.0.0\n\n## Unreleased\n";
    expect(changelogBreaches({ path: "C.md", text })).toEqual(["C.md: starts with 1.0.0"]);
  });
});

describe("packages", () => {
  const manifest = read("package.json");
  const lock = read("package-lock.json");

  it("are pinned exactly, in the manifest and in the lock file", () => {
    expect(manifestBreaches(manifest, lock)).toEqual([]);
  });

  it("finds a range, a stale lock file and a registry", () => {
    const stale = manifest.replace(/"ajv": "[^"]+"/, '"ajv": "^8.0.0"');
    expect(manifestBreaches(stale, lock).join()).toMatch(/ajv: \^8.0.0 is not exact.*lock file/);
    const hosted = lock.replace('"version":', '"resolved": "https://host/x.tgz", "version":');
    expect(manifestBreaches(manifest, hosted).join()).toMatch(/names a registry/);
  });
});
