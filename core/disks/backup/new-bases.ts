/** The new bases of a restore: how they are made, described and written. */
import type { AskStep, ContentRun, EntityId, SectorRange } from "../../kernel/index.ts";
import { askArray } from "../chain/array-requests.ts";
import { contentIdOf, descriptorFileOf, intentGiven } from "../chain/descriptor.ts";
import { holdUnder } from "../cow/cow-files.ts";
import { descriptorHolder, intentHolder } from "../cow/cow-intents.ts";
import type { Manifest } from "./manifest.ts";
import type { RestoreIntent } from "./restore-intent.ts";

type Part = Manifest["disks"][string];

/** An intent as it was opened: once it was settled nothing more is made. */
export type Under = {
  readonly array: EntityId;
  readonly intent: RestoreIntent;
  readonly version: number;
};

/** Answered with the names, in the order of the disks; only while the intent is of this version. */
export function createVvols(
  { array, intent, version }: Under,
  parts: readonly (readonly [string, Part])[],
): AskStep[] {
  return parts.map(([disk, { sectors }]) => {
    const given = intentGiven(intent.vm, version);
    const body = { label: `${intent.vm}-${disk}`, sectors, holder: intentHolder(intent), given };
    return askArray(array, "vasa-create", body, "");
  });
}

/** Held for descriptors before any of these leads there. */
export function holdVvols(
  array: EntityId,
  intent: RestoreIntent,
  volumes: { readonly [disk: string]: string },
): AskStep[] {
  return Object.entries(volumes).map(([disk, vvol]) => {
    const holder = descriptorHolder(intent.descriptors[disk]!);
    return holdUnder(array, intent, { vvol, holder }, "", "");
  });
}

export function describeBase(
  { array, intent: { vm, descriptors, cow }, version }: Under,
  disk: string,
  { sectors, grainSectors }: Part,
  volume: string,
): AskStep {
  const name = descriptors[disk]!;
  const kind = cow === true ? "cow" : "flat";
  const own = { cid: contentIdOf(name), parentCid: 0, parent: null, volume, kind } as const;
  const value = descriptorFileOf({ ...own, sectors, grainSectors });
  const given = intentGiven(vm, version);
  return askArray(array, "file-write", { name, value, given }, "");
}

/** Zeros are given back: an incremental may make zeros of what the full backup had. */
export function partWrites({ sector }: SectorRange, runs: readonly ContentRun[]): object[] {
  let at = sector;
  return runs.map((run) => {
    const range = { sector: at, sectors: run.sectors };
    at += run.sectors;
    return run.kind === "zero"
      ? { op: "discard", ...range }
      : { op: "write", ...range, runs: [run] };
  });
}
