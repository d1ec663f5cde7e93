/**
 * Reads with the page that a guest waits for those that it is likely to want next (US 9,086,981).
 *
 * Must hold: this only asks for storage blocks earlier than they would come. What is there, or was asked
 * for, is not asked for again; what the guest wrote meanwhile stays, as with everything that is read.
 */
import { type Access, clientBitmap, type MemoryEntity, neighboursOf } from "../../vmm/index.ts";
import { askFor, storageOfPage } from "./load.ts";
import { askedFor, type Restorer } from "./restorer-state.ts";

export function prefetchAround(self: Restorer, memory: MemoryEntity, access: Access): void {
  const { prefetch } = self.config;
  if (prefetch === undefined) return;
  const absent = clientBitmap(memory, self.config.client, "armed");
  const isThere = (page: number): boolean => !absent.has(page);
  const found = neighboursOf(memory, access, prefetch, isThere);
  const asked = askedFor(self);
  let [reads, present] = [0, 0];
  for (const page of [...found.tables, ...found.pages.map((each) => told(self, each))]) {
    const number = storageOfPage(self, page);
    if (isThere(page) || asked.get(number) === 1) {
      present++;
      continue;
    }
    askFor(self, number);
    reads++;
  }
  const { figures } = self.edit();
  figures.prefetched = (figures.prefetched ?? 0) + reads;
  figures.alreadyThere = (figures.alreadyThere ?? 0) + present;
  figures.unmapped = (figures.unmapped ?? 0) + found.unmapped;
  figures.walkSteps = (figures.walkSteps ?? 0) + found.steps;
  figures.absentTables = (figures.absentTables ?? 0) + found.tables.length;
}

/** For a test: a translation that is no longer true must do no harm. */
const told = ({ config }: Restorer, page: number): number =>
  config.careless === "lies" ? (page * 7_919 + 13) % config.pages : page;
