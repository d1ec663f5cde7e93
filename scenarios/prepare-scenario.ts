/** A scenario ready to run: loaded, checked, and its inputs read and checked against its disks. */
import { loadImages, loadInputs } from "./building/index.ts";
import { NOTHING_OWN } from "./define.ts";
import { canonicalJson, documentHash } from "./canonical-json.ts";
import { checkDocument, type LoadedScenario, loadScenario, type LoadOptions } from "./load.ts";
import type { ReadyScenario } from "./run-scenario.ts";
import type { JsonValue } from "./schema/json-schema.ts";
import type { ResolvedScenario, ScenarioDocument } from "./schema/scenario.generated.ts";
import type { Problem } from "./validate/problem.ts";

export type Prepared =
  | { readonly ok: true; readonly scenario: ReadyScenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export async function prepareScenario(file: string, options: LoadOptions = {}): Promise<Prepared> {
  const loaded = await loadScenario(file, options);
  return loaded.ok ? withInputs(file, loaded.scenario) : loaded;
}

async function withInputs(file: string, scenario: LoadedScenario): Promise<Prepared> {
  const read = await loadInputs(scenario.document, scenario.inputs);
  const images = loadImages(scenario.document, scenario.images);
  const findings = [...(read.ok ? [] : read.findings), ...images.findings];
  if (!read.ok || findings.length > 0) {
    return { ok: false, problems: findings.map((found) => ({ file, ...found })) };
  }
  return { ok: true, scenario: { ...scenario, inputs: read.inputs, images: images.inputs } };
}

/** A document that no file holds; `name` stands for the file in problems. */
export async function prepareDocument(document: ScenarioDocument, name: string): Promise<Prepared> {
  const checked = await checkDocument(document as unknown as JsonValue, {
    path: name,
    file: name,
    own: NOTHING_OWN,
  });
  return checked.ok ? withInputs(name, checked.scenario) : checked;
}

/** The scenario with another document, one that it could have had: checked, its inputs the same. */
export function withDocument(scenario: ReadyScenario, document: ResolvedScenario): ReadyScenario {
  const isThere = ({ vm }: { readonly vm: string }): boolean =>
    document.vms.some(({ id }) => id === vm);
  return {
    ...scenario,
    document,
    canonical: canonicalJson(document),
    hash: documentHash(document),
    inputs: scenario.inputs.filter(isThere),
    ...(scenario.images && { images: scenario.images.filter(isThere) }),
  };
}
