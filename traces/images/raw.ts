/**
 * A raw image: the bytes of the disk, holes where they are zeros.
 */
import { SECTOR_BYTES } from "../../core/kernel/index.ts";
import { makeImageFile, type ImageFile } from "./image-file.ts";
import { isZero, writtenUnits, type ImageSource } from "./image-source.ts";

/** Sectors that are left as a hole or written together: 64 KiB. */
const UNIT_SECTORS = 128;
const UNIT_BYTES = UNIT_SECTORS * SECTOR_BYTES;
/** How far the disk is looked through at a time: 512 MiB. */
const REGION_SECTORS = 2 ** 20;

export function writeRaw(path: string, source: ImageSource): void {
  makeImageFile(path, (file) => fillRaw(file, source));
}

function fillRaw(file: ImageFile, source: ImageSource): void {
  for (let from = 0; from < source.sectors; from += REGION_SECTORS) {
    for (const { first, bytes } of writtenUnits(
      source,
      from,
      from + REGION_SECTORS,
      UNIT_SECTORS,
    )) {
      for (let at = 0; at < bytes.length; at += UNIT_BYTES) {
        const unit = bytes.subarray(at, at + UNIT_BYTES);
        if (!isZero(unit)) file.write(first * UNIT_BYTES + at, unit);
      }
    }
  }
  file.setLength(source.sectors * SECTOR_BYTES);
}
