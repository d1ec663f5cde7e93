/** A scenario ready to run: loaded, checked, and its inputs read and checked against its disks. */
import { loadImages, loadInputs } from "./building/index.ts";
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
  const images = loadImages(scenario.document, scenario.images);
  const findings = [...(read.ok ? [] : read.findings), ...images.findings];
  if (!read.ok || findings.length > 0) {
    return { ok: false, problems: findings.map((found) => ({ file, ...found })) };
  }
  return { ok: true, scenario: { ...scenario, inputs: read.inputs, images: images.inputs } };
}
