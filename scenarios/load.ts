/**
 * Loads a scenario: reads the file, applies settings, checks, fills in, finds its inputs.
 * What must hold: the same file and settings give the same canonical text, wherever it is run from.
 */
import { resolve } from "node:path";
import { canonicalJson, documentHash } from "./canonical-json.ts";
import type { OwnParts } from "./define.ts";
import { type ImageFile, locateImages } from "./locate-images.ts";
import { type InputFile, locateInputs } from "./locate-input.ts";
import { readDocument } from "./read-document.ts";
import type { JsonValue } from "./schema/json-schema.ts";
import type { ResolvedScenario } from "./schema/scenario.generated.ts";
import { applySetting, parseSetting } from "./setting.ts";
import { toPlainData } from "./validate/plain-data.ts";
import type { Finding, Problem } from "./validate/problem.ts";
import { validateDocument } from "./validate/validate.ts";

export interface LoadedScenario {
  /** Absolute path; what `reproduce` commands name. */
  readonly path: string;
  readonly document: ResolvedScenario;
  /** Canonical JSON of the resolved document, and its SHA-256 in hex. */
  readonly canonical: string;
  readonly hash: string;
  readonly inputs: readonly InputFile[];
  /** What disks begin with. */
  readonly images: readonly ImageFile[];
  readonly own: Required<OwnParts>;
}

export type Loaded =
  | { readonly ok: true; readonly scenario: LoadedScenario }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface LoadOptions {
  /** `path=value`, applied in order. */
  readonly settings?: readonly string[];
  /** Replaces the document's seed, after the settings. */
  readonly seed?: number;
}

function withSettings(
  document: JsonValue,
  settings: readonly string[],
): { readonly document: JsonValue; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  let changed = document;
  for (const text of settings) {
    const parsed = parseSetting(text);
    const applied = parsed.ok ? applySetting(changed, parsed.setting) : parsed;
    if (applied.ok) changed = applied.document;
    else findings.push({ ...applied.found, message: `--set ${text}: ${applied.found.message}` });
  }
  return { document: changed, findings };
}

/** Loads the scenario at `file`. All that can be wrong with it comes back as problems. */
export async function loadScenario(file: string, options: LoadOptions = {}): Promise<Loaded> {
  const failed = (findings: readonly Finding[]): Loaded => ({
    ok: false,
    problems: findings.map((found) => ({ file, ...found })),
  });
  const path = resolve(file);
  const read = await readDocument(path);
  if (!read.ok) return failed([read.found]);
  const plain = toPlainData(read.value);
  if (plain.findings.length > 0) return failed(plain.findings);
  const seed = options.seed === undefined ? [] : [`/seed=${options.seed}`];
  const set = withSettings(plain.data, [...(options.settings ?? []), ...seed]);
  if (set.findings.length > 0) return failed(set.findings);
  const extensions = read.own.mechanisms;
  const validated = validateDocument(set.document, { file, extensions });
  if (!validated.ok) return validated;
  const { document } = validated;
  const { inputs, findings } = await locateInputs(document, path);
  const { images, findings: missing } = await locateImages(document, path);
  if (findings.length + missing.length > 0) return failed([...findings, ...missing]);
  const canonical = canonicalJson(document);
  const hash = documentHash(document);
  const { own } = read;
  return { ok: true, scenario: { path, document, canonical, hash, inputs, images, own } };
}
