/**
 * Opens a recorded run for re-execution: the trace, the document in it, the inputs that it embeds or
 * names by hash, and the own parts of the scenario file that made it.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  codeVersion,
  type Damage,
  INPUT_FILE,
  openTrace,
  RecordedRun,
  type Trace,
} from "../traces/index.ts";
import {
  createBuilder,
  prepareImages,
  prepareInputs,
  type ScenarioBuilder,
} from "./building/index.ts";
import { documentHash } from "./canonical-json.ts";
import { NOTHING_OWN, type OwnParts } from "./define.ts";
import { locateInput } from "./locate-input.ts";
import { readDocument } from "./read-document.ts";
import type { ReadyScenario } from "./run-scenario.ts";
import type { ResolvedScenario } from "./schema/scenario.generated.ts";

export interface OpenRunOptions {
  /** Folders with inputs that are too large to be embedded; found by hash under their names. */
  readonly inputs?: readonly string[];
}

export type OpenedRun =
  | {
      readonly ok: true;
      readonly run: RecordedRun;
      readonly builder: ScenarioBuilder;
      readonly document: ResolvedScenario;
      /** What was run, with its inputs: for runs that vary it. */
      readonly scenario: ReadyScenario;
      /** The sources that made the trace are those that read it. */
      readonly sameCode: boolean;
      readonly status: "whole" | "salvaged";
      readonly damage: Damage | undefined;
    }
  | {
      readonly ok: false;
      readonly code:
        | "unreadable"
        | "damaged"
        | "newer-format"
        | "missing-input"
        | "missing-scenario"
        | "bad-document";
      readonly message: string;
    };

interface NamedInput {
  readonly vm: string;
  /** Of the image of a disk. */
  readonly disk?: string;
  readonly name: string;
  readonly sha256: string;
}

/** `from` is a path or the bytes of a trace. */
export async function openRecordedRun(
  from: string | Uint8Array,
  options: OpenRunOptions = {},
): Promise<OpenedRun> {
  const opened = openTrace(from);
  if (!opened.ok) return { ok: false, code: failureCode(opened.code), message: opened.message };
  const { trace, status } = opened;
  const damage = opened.status === "salvaged" ? opened.damage : undefined;
  const { header } = trace;
  const document = JSON.parse(header.scenarioJson) as ResolvedScenario;
  const sameCode = header.codeVersion === codeVersion();
  const own = await ownParts(trace);
  if (own === undefined) {
    const path = String(header.extra["path"]);
    const message = `the scenario file ${path} brought own parts and is not there any more`;
    return { ok: false, code: "missing-scenario", message };
  }
  const found = await findInputs(trace, options.inputs ?? []);
  if (!Array.isArray(found)) {
    const { name, sha256 } = found as NamedInput;
    const message = `input ${name} (SHA-256 ${sha256}) is not embedded; give its folder as --inputs`;
    return { ok: false, code: "missing-input", message };
  }
  const played = found.filter(({ disk }) => disk === undefined);
  const prepared = await prepareInputs(document, played);
  const images = prepareImages(
    document,
    found.filter((each): each is FoundImage => each.disk !== undefined),
  );
  const [problem] = [...(prepared.ok ? [] : prepared.findings), ...images.findings];
  if (!prepared.ok || problem !== undefined) {
    return { ok: false, code: "bad-document", message: problem!.message };
  }
  const builder = createBuilder(document, prepared.inputs, own, images.inputs);
  const scenario: ReadyScenario = {
    path: String(header.extra["path"]),
    document,
    canonical: header.scenarioJson,
    hash: documentHash(document),
    inputs: prepared.inputs,
    images: images.inputs,
    own,
  };
  const run = new RecordedRun(trace);
  return { ok: true, run, builder, document, scenario, sameCode, status, damage };
}

function failureCode(code: string): "unreadable" | "damaged" | "newer-format" {
  if (code === "newer-format") return "newer-format";
  return code === "damaged-header" ? "damaged" : "unreadable";
}

/** Own mechanisms, invariants and entities are code: they come from the file again. */
async function ownParts(trace: Trace): Promise<Required<OwnParts> | undefined> {
  const { extra } = trace.header;
  if (extra["ownParts"] !== true) return NOTHING_OWN;
  const read = await readDocument(String(extra["path"]));
  return read.ok ? read.own : undefined;
}

type FoundInput = Omit<NamedInput, "sha256"> & { readonly bytes: Uint8Array };
type FoundImage = Required<FoundInput>;

/** The inputs, or the first that cannot be found. */
async function findInputs(
  trace: Trace,
  folders: readonly string[],
): Promise<FoundInput[] | NamedInput> {
  const embedded = new Map<string, Uint8Array>();
  for (const chunk of trace.chunks(INPUT_FILE)) {
    const result = trace.read(chunk);
    if (result.ok) embedded.set(String(chunk.meta["sha256"]), result.bytes);
  }
  const inputs: FoundInput[] = [];
  for (const input of (trace.header.extra["inputs"] ?? []) as unknown as NamedInput[]) {
    const { sha256, ...named } = input;
    const bytes = embedded.get(sha256) ?? (await findByHash(input, folders));
    if (bytes === undefined) return input;
    inputs.push({ ...named, bytes });
  }
  return inputs;
}

async function findByHash(
  { name, sha256 }: NamedInput,
  folders: readonly string[],
): Promise<Uint8Array | undefined> {
  const base = name.slice(name.lastIndexOf("/") + 1);
  const paths = folders.flatMap((folder) => [join(folder, name), join(folder, base)]);
  const usual = await locateInput(name, ".");
  for (const path of usual === undefined ? paths : [...paths, usual]) {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes === undefined) continue;
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
  }
  return undefined;
}
