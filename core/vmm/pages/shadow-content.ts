/** What memory holds, remembered beside the world: for invariants that compare two moments. */
import type { ArrayImage, NumberArray } from "../../kernel/index.ts";
import { ramOf } from "./content.ts";
import { type MemoryEntity, stampsOf } from "./memory-state.ts";

/** Content of each page as a number: its stamp, or 53 bits of the hash of its bytes. */
function contentNow(self: MemoryEntity): ArrayImage | number[] {
  if (!self.config.isReal) return stampsOf(self).capture();
  const hashes = ramOf(self)?.hashes() ?? (() => 0);
  return Array.from({ length: self.config.pages }, (_, page) => hashes(page));
}

const shadow = (self: MemoryEntity, name: string): NumberArray =>
  self.world.shadowArrays.open(name, "f64", self.config.pages);

export function rememberContent(self: MemoryEntity, name: string): void {
  const array = shadow(self, name);
  const content = contentNow(self);
  if (Array.isArray(content)) content.forEach((value, page) => array.set(page, value));
  else array.restore(content);
}

/** Those of a few pages that are not what they were when they were remembered. */
export function differsAt(self: MemoryEntity, name: string, pages: readonly number[]): number[] {
  const array = shadow(self, name);
  const hashes = self.config.isReal ? ramOf(self)?.hashes() : undefined;
  const stamps = self.config.isReal ? undefined : stampsOf(self);
  return pages.filter((page) => array.get(page) !== (hashes?.(page) ?? stamps?.get(page) ?? 0));
}

/** Pages that are not what they were when they were remembered. */
export function differsFrom(self: MemoryEntity, name: string): number[] {
  const array = shadow(self, name);
  const content = contentNow(self);
  const pages: number[] = [];
  if (!Array.isArray(content)) array.eachDifference(content, (page) => void pages.push(page));
  else content.forEach((value, page) => value !== array.get(page) && pages.push(page));
  return pages;
}
