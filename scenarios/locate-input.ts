/** Finds the files that a document names: from its own folder, else from Orrery's. */
import { access, constants } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./debian/cache-folder.ts";
import type { ResolvedGuest, ResolvedScenario } from "./schema/scenario.generated.ts";
import { type Finding, finding, pointerTo } from "./validate/problem.ts";

const packageRoot = fileURLToPath(new URL("..", import.meta.url));

/** A captured trace that a guest plays or a file that it boots, and where it is. */
export interface InputFile {
  readonly vm: string;
  /** As the document names it: what a trace records, equal on every machine. */
  readonly name: string;
  readonly path: string;
}

const readable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

/** What begins with this lies in the cache folder, wherever that is on a machine. */
const IN_CACHE = "cache:";

/** Where `name` lies, seen from the document's folder; undefined when it does not exist. */
export async function locateInput(name: string, folder: string): Promise<string | undefined> {
  if (name.startsWith(IN_CACHE)) {
    const path = resolve(cacheFolder(), name.slice(IN_CACHE.length));
    return (await readable(path)) ? path : undefined;
  }
  for (const path of [resolve(folder, name), resolve(packageRoot, name)]) {
    if (await readable(path)) return path;
  }
  return undefined;
}

/** All inputs of a document, and a finding for each that does not exist. */
export async function locateInputs(
  document: ResolvedScenario,
  documentPath: string,
): Promise<{ readonly inputs: readonly InputFile[]; readonly findings: readonly Finding[] }> {
  const folder = dirname(documentPath);
  const inputs: InputFile[] = [];
  const findings: Finding[] = [];
  for (const [index, { id, guest }] of document.vms.entries()) {
    for (const [member, name] of filesOf(guest)) {
      const path = await locateInput(name, folder);
      if (path !== undefined) inputs.push({ vm: id, name, path });
      else {
        const pointer = pointerTo("/vms", index, "guest", member);
        const expected = name.startsWith(IN_CACHE)
          ? `a file that was fetched into ${cacheFolder()}`
          : "a path from the document's folder, or from Orrery's";
        findings.push(finding(pointer, `there is no file ${name}`, expected));
      }
    }
  }
  return { inputs, findings };
}

/** Members of a guest that name a file, and the names. */
function filesOf(guest: ResolvedGuest): readonly (readonly [string, string])[] {
  if (guest.kind !== "capture" && guest.kind !== "rv64") return [];
  const { file, initrd } = guest as { readonly file: string; readonly initrd?: string };
  return initrd === undefined
    ? [["file", file]]
    : [
        ["file", file],
        ["initrd", initrd],
      ];
}
