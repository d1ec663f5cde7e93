/**
 * Makes what a process needs to have a bug: the planted file, outside the tree, and the environment
 * that has it loaded there and in everything started from there. For a bug in the AssemblyScript of
 * the real machine that is a variant of the compiled module, and readers of the module that read it.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Bug } from "../bug.ts";
import { addressOf, plantedText, readSource } from "./substitution.ts";
import { buildVariant } from "./variant-module.ts";

/** Sources that name the compiled module, and how. */
const READERS: readonly (readonly [file: string, address: string])[] = [
  [
    "scenarios/rv64-image.ts",
    'new URL("../core/guest/rv64/assembly/build/rv64.wasm", import.meta.url)',
  ],
  ["core/guest/rv64/testing/image.ts", 'new URL("../assembly/build/rv64.wasm", import.meta.url)'],
  ["core/vmm/rv64/testing/machine-world.ts", 'new URL("assembly/build/rv64.wasm", GUEST)'],
];

export const isAssembly = ({ file }: Bug): boolean => file.startsWith("core/guest/rv64/assembly/");

/** The environment of processes that have the bug. `cache`: a folder outside the tree. */
export async function plant(bug: Bug, cache: string): Promise<NodeJS.ProcessEnv> {
  const texts = isAssembly(bug) ? await variantTexts(bug, cache) : [[bug.file, plantedText(bug)]];
  const key = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 16);
  const folder = join(cache, "plants", `${bug.name}-${key}`);
  mkdirSync(folder, { recursive: true });
  const plan: { [source: string]: string } = {};
  texts.forEach(([file, text], index) => {
    const path = join(folder, `planted-${index}.ts`);
    writeFileSync(path, text!);
    plan[addressOf(file!)] = pathToFileURL(path).href;
  });
  const planFile = join(folder, "plan.json");
  writeFileSync(planFile, JSON.stringify(plan));
  return plantedEnvironment(planFile);
}

function plantedEnvironment(planFile: string): NodeJS.ProcessEnv {
  const { NODE_OPTIONS = "", ...rest } = process.env;
  const loader = new URL("plant.mjs", import.meta.url).href;
  return {
    ...rest,
    ORRERY_PLANT: planFile,
    NODE_OPTIONS: `${NODE_OPTIONS} --import=${loader}`.trim(),
  };
}

async function variantTexts(bug: Bug, cache: string): Promise<readonly (readonly string[])[]> {
  const module = await buildVariant(bug, cache);
  const address = `new URL(${JSON.stringify(pathToFileURL(module).href)})`;
  return READERS.map(([file, find]) => [
    file,
    plantedText({ name: bug.name, file, find, replace: address }),
  ]);
}

/** Whether the readers still name the module as is expected here: throws when they do not. */
export function checkReaders(): void {
  for (const [file, find] of READERS) {
    const times = readSource(file).split(find).length - 1;
    if (times !== 1) throw new Error(`${file} reads the compiled module in another way`);
  }
}
