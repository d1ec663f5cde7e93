/** A scenario ready to run: loaded, checked, and its inputs read and checked against its disks. */
import { loadInputs } from "./building/index.ts";
import { loadScenario, type LoadOptions } from "./load.ts";
import type { ReadyScenario } from "./run-scenario.ts";
import type { Problem } from "./validate/problem.ts";

export type Prepared =
  | { readonly ok: true; readonly scenario: ReadyScenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export async function prepareScenario(file: string, options: LoadOptions = {}): Promise<Prepared> {
  const loaded = await loadScenario(file, options);
  if (!loaded.ok) return loaded;
  const { scenario } = loaded;
  const read = await loadInputs(scenario.document, scenario.inputs);
  if (!read.ok) {
    return { ok: false, problems: read.findings.map((found) => ({ file, ...found })) };
  }
  return { ok: true, scenario: { ...scenario, inputs: read.inputs } };
}
