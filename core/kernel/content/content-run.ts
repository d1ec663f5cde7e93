/**
 * What sectors hold, as plain data: the words in which content is written, read and compared.
 *
 * Must hold: a canonical list of runs (what every read returns) never has two neighbours that could
 * be one, no bytes that are an expansion, and no stamp 0; so equal content reads as equal lists.
 */

export const SECTOR_BYTES = 512;

/** Consecutive sectors of zeros: written as zeros, or never written. */
export type ZeroRun = {
  readonly kind: "zero";
  readonly sectors: number;
};

/** Consecutive sectors with consecutive stamps: `stamp`, `stamp + 1`, ... (see stamp.ts). */
export type StampRun = {
  readonly kind: "stamp";
  readonly sectors: number;
  readonly stamp: number;
};

/** Literal bytes, `sectors * 512` of them. Never changed once handed over or handed out. */
export type BytesRun = {
  readonly kind: "bytes";
  readonly sectors: number;
  readonly bytes: Uint8Array;
};

export type ContentRun = ZeroRun | StampRun | BytesRun;

/** A span of sectors: `sector` up to, not including, `sector + sectors`. */
export type SectorRange = {
  readonly sector: number;
  readonly sectors: number;
};

/** Appends `range`, joined with the last one where they touch. Ranges must come in order. */
export function appendRange(ranges: SectorRange[], sector: number, sectors: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last.sector + last.sectors === sector) {
    ranges[ranges.length - 1] = { sector: last.sector, sectors: last.sectors + sectors };
  } else {
    ranges.push({ sector, sectors });
  }
}

/** Whether two lists of runs are the same; where both are canonical, whether their content is. */
export function sameRuns(a: readonly ContentRun[], b: readonly ContentRun[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!sameRun(a[i]!, b[i]!)) return false;
  return true;
}

function sameRun(a: ContentRun, b: ContentRun): boolean {
  if (a.kind !== b.kind || a.sectors !== b.sectors) return false;
  if (a.kind === "stamp") return a.stamp === (b as StampRun).stamp;
  if (a.kind === "zero") return true;
  const { bytes } = b as BytesRun;
  if (a.bytes === bytes) return true;
  if (a.bytes.length !== bytes.length) return false;
  for (let at = 0; at < bytes.length; at++) if (a.bytes[at] !== bytes[at]) return false;
  return true;
}
