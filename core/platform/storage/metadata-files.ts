/**
 * Small files on an array, for descriptors and intents: each update is atomic and durable when
 * acknowledged, and can be made to depend on the version that was read. Versions of a name start at
 * 1 and rise by 1; a name that was deleted goes on counting, so an old version never fits again.
 */
import type { Plain } from "../../kernel/index.ts";
import type { ArrayEntity } from "./array-state.ts";
import { type BlockOutcome, refused } from "./block.ts";
import { noteFile } from "./file-journal.ts";
import { HEARTBEAT_SUFFIX } from "./ownership.ts";

export type FileRead = { readonly name: string };
/** A file that must be of this version; 0: that there is no such file. */
export type FileVersion = { readonly name: string; readonly version: number };
/** One file, or several as of one moment. */
export type Premise = FileVersion | readonly FileVersion[];
/**
 * Answers {version}. `ifVersion` 0: only if there is no such file; with `isFirst` only if there never
 * was one: so what makes a file can be fenced before it is there, by making and deleting it. `given`:
 * only if other files are as they were read, in the same atomic step.
 */
export type FileWrite = {
  readonly name: string;
  readonly value: Plain;
  readonly ifVersion?: number;
  readonly isFirst?: boolean;
  readonly given?: Premise;
};
/** `given` as of {@link FileWrite}. */
export type FileDelete = {
  readonly name: string;
  readonly ifVersion?: number;
  readonly given?: Premise;
};
export type FileList = { readonly prefix?: string };

/** A file of this name, or what was one: `value` undefined once deleted. */
export type MetadataFile = { readonly version: number; readonly value?: Plain };

const fileKey = (name: string): string => `file:${name}`;

/** Answers {value, version}; refuses with "no-file". */
export function readFile(self: ArrayEntity, { name }: FileRead): BlockOutcome {
  const file = self.durable.files[fileKey(name)];
  if (file?.value === undefined) return refused("no-file", name);
  return { ok: true, value: { value: file.value, version: file.version } };
}

/** Refuses with "version-conflict" and {version} as it is, of a `given` file with its {name} too. */
export function writeFile(self: ArrayEntity, body: FileWrite): BlockOutcome {
  const { name, value, ifVersion, isFirst = false, given } = body;
  const key = fileKey(name);
  const before = self.durable.files[key]?.version ?? 0;
  if (isFirst && before > 0) return refused("version-conflict", { version: before });
  const conflict = conflictOf(self, name, ifVersion) ?? changedPremise(self, given);
  if (conflict !== undefined) return conflict;
  const { files } = self.editDurable();
  const version = before + 1;
  files[key] = { version, value } as never;
  noteFile(self, key);
  // A heartbeat decides nothing by what it says: no place where a crash would tell anything.
  if (!name.endsWith(HEARTBEAT_SUFFIX)) self.durableStep(`file ${name}`);
  return { ok: true, value: { version } };
}

/** Refuses with "no-file" or "version-conflict", this first where a `given` file has changed. */
export function deleteFile(
  self: ArrayEntity,
  { name, ifVersion, given }: FileDelete,
): BlockOutcome {
  const changed = changedPremise(self, given);
  if (changed !== undefined) return changed;
  const file = self.durable.files[fileKey(name)];
  if (file?.value === undefined) return refused("no-file", name);
  const conflict = conflictOf(self, name, ifVersion);
  if (conflict !== undefined) return conflict;
  self.editDurable().files[fileKey(name)] = { version: file.version + 1 };
  noteFile(self, fileKey(name));
  self.durableStep(`delete file ${name}`);
  return { ok: true, value: {} };
}

/** Answers {names}, sorted. */
export function listFiles(self: ArrayEntity, { prefix = "" }: FileList): BlockOutcome {
  const start = fileKey(prefix);
  const names = Object.entries(self.durable.files)
    .filter(([key, file]) => key.startsWith(start) && file.value !== undefined)
    .map(([key]) => key.slice(fileKey("").length))
    .sort();
  return { ok: true, value: { names } };
}

/** Answers {files: [{name, value, version}]}, sorted by name: all of them as of one moment. */
export function scanFiles(self: ArrayEntity, { prefix = "" }: FileList): BlockOutcome {
  const start = fileKey(prefix);
  const files = Object.entries(self.durable.files)
    .filter(([key, file]) => key.startsWith(start) && file.value !== undefined)
    .map(([key, { value, version }]) => ({ name: key.slice(fileKey("").length), value, version }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { ok: true, value: { files: files as unknown as Plain } };
}

/** "version-conflict" with the {name} of the first file that is not as it was read. */
export function changedPremise(
  self: ArrayEntity,
  given: Premise | undefined,
): BlockOutcome | undefined {
  if (given === undefined) return undefined;
  const files: readonly FileVersion[] = "name" in given ? [given] : given;
  for (const { name, version } of files) {
    const now = currentVersion(self, name);
    if (now !== version) return refused("version-conflict", { name, version: now });
  }
  return undefined;
}

function conflictOf(
  self: ArrayEntity,
  name: string,
  ifVersion: number | undefined,
): BlockOutcome | undefined {
  if (ifVersion === undefined) return undefined;
  const version = currentVersion(self, name);
  return version === ifVersion ? undefined : refused("version-conflict", { version });
}

/** 0: there is no such file. */
export function currentVersion(self: ArrayEntity, name: string): number {
  const file = self.durable.files[fileKey(name)];
  return file?.value === undefined ? 0 : file.version;
}
