/**
 * One-way imports, by dependency-cruiser with the rules of `.dependency-cruiser.mjs`.
 *
 * What must hold: a cruiser that saw nothing is a failure, never "no violations".
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseOptions, type IForbiddenRuleType } from "dependency-cruiser";

export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The folders under one-way rules. Those that do not exist yet are left out. */
const FOLDERS = ["core", "traces", "scenarios", "properties", "reports", "cli"];

/** Far below what the tree holds, far above what a blinded cruiser sees. */
export const FEWEST_MODULES = 150;

/** What the cruiser saw: number of modules, number of imports between them, broken rules. */
export interface ImportFindings {
  readonly modules: number;
  readonly dependencies: number;
  readonly violations: readonly string[];
}

interface Rules {
  readonly forbidden: IForbiddenRuleType[];
  readonly options: ICruiseOptions;
}

/** Cruises the folders of `root`; a violation is `rule: from -> to`. */
export async function checkImports(root: string = REPOSITORY): Promise<ImportFindings> {
  const { default: rules } = (await import(join(REPOSITORY, ".dependency-cruiser.mjs"))) as {
    readonly default: Rules;
  };
  const folders = FOLDERS.filter((folder) => existsSync(join(root, folder)));
  const { output } = await cruise(folders, {
    ...rules.options,
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: rules.forbidden },
  });
  if (typeof output === "string") throw new Error("dependency-cruiser answered with text");
  const own = output.modules.filter((module) => !module.source.includes("node_modules"));
  return {
    modules: own.length,
    dependencies: own.reduce((sum, module) => sum + module.dependencies.length, 0),
    violations: output.summary.violations.map(({ rule, from, to, cycle }) => {
      const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(" -> ");
      return `${rule.name}: ${from} -> ${path}`;
    }),
  };
}
