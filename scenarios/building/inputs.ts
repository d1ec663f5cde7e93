/**
 * The inputs that a document names, read and checked: captured block traces, and what real machines
 * boot. Large immutable data that guests are given by its SHA-256 and that is no state.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { captureProblem, type PreparedCapture, prepareCapture } from "../../core/guest/index.ts";
import { formatProblem as formatLine, importCapture } from "../captures/index.ts";
import type { InputFile } from "../locate-input.ts";
import type { ResolvedCaptureGuest, ResolvedScenario } from "../schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "../validate/problem.ts";
import { bootFindings } from "./boot-files.ts";

export interface ScenarioInput {
  /** VM whose guest plays it. */
  readonly vm: string;
  /** As the document names it. */
  readonly name: string;
  readonly sha256: string;
  /** The file as it is, for embedding in a trace. */
  readonly bytes: Uint8Array;
  /** Of a guest that plays one. */
  readonly capture: PreparedCapture | undefined;
}

export type LoadedInputs =
  | { readonly ok: true; readonly inputs: readonly ScenarioInput[] }
  | { readonly ok: false; readonly findings: readonly Finding[] };

const SECTORS_PER_MIB = 2_048;

/** Reads each file that {@link locateInput} found. */
export async function loadInputs(
  document: ResolvedScenario,
  files: readonly InputFile[],
): Promise<LoadedInputs> {
  const read = async (file: InputFile) => ({ ...file, bytes: await readFile(file.path) });
  return prepareInputs(document, await Promise.all(files.map(read)));
}

/** The same from bytes: of a trace that embeds them. */
export async function prepareInputs(
  document: ResolvedScenario,
  files: readonly { readonly vm: string; readonly name: string; readonly bytes: Uint8Array }[],
): Promise<LoadedInputs> {
  const inputs: ScenarioInput[] = [];
  const findings: Finding[] = [];
  for (const { vm, name, bytes } of files) {
    const index = document.vms.findIndex(({ id }) => id === vm);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (document.vms[index]!.guest.kind === "rv64") {
      findings.push(...bootFindings(document, index, name, bytes));
      inputs.push({ vm, name, sha256, bytes, capture: undefined });
      continue;
    }
    const guest = document.vms[index]!.guest as ResolvedCaptureGuest;
    const pointer = pointerTo("/vms", index, "guest", "file");
    const result = await importCapture(bytes, importOptions(guest, name));
    if (!result.ok) {
      findings.push(finding(pointer, `${name}: ${result.message}`, "a captured block trace"));
      for (const problem of result.problems ?? []) {
        findings.push(finding(pointer, formatLine(problem, name), "a well-formed line"));
      }
      continue;
    }
    const capture = prepareCapture({ ...result.capture, sha256: result.capture.meta.sha256 });
    const problem = playProblem(document, index, guest, capture);
    if (problem !== undefined) findings.push(finding(pointer, `${name}: ${problem}`, "a capture"));
    inputs.push({ vm, name, sha256, bytes, capture });
  }
  return findings.length > 0 ? { ok: false, findings } : { ok: true, inputs };
}

function importOptions({ format }: ResolvedCaptureGuest, name: string) {
  const compression = name.endsWith(".br") ? ({ compression: "brotli" } as const) : {};
  return { ...(format !== undefined && { format }), ...compression };
}

/** What keeps the capture from being played on the VM's disk. */
function playProblem(
  document: ResolvedScenario,
  index: number,
  guest: ResolvedCaptureGuest,
  capture: PreparedCapture,
): string | undefined {
  const disk = document.vms[index]!.disks.find(({ id }) => id === guest.disk);
  if (disk === undefined) return undefined;
  const { wrap, limit, flushEvery } = guest;
  const problem = captureProblem(capture, disk.sizeMiB * SECTORS_PER_MIB, {
    wrap,
    ...(limit !== undefined && { limit }),
    ...(flushEvery !== undefined && { flushEvery }),
  });
  switch (problem?.code) {
    case "beyond-disk":
      return `request ${problem.request} ends at sector ${problem.sector}, beyond the disk; set wrap`;
    case "larger-than-disk":
      return `request ${problem.request} of ${problem.sectors} sectors is larger than the disk`;
    case "no-flushes":
      return "it has no flushes; set flushEvery";
    default:
      return undefined;
  }
}
