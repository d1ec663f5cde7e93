/**
 * Reads with the page that a guest waits for the storage blocks of those that it is likely to want next
 * (core/vmm/pages/prefetching.ts).
 */
import {
  type Access,
  clientBitmap,
  type MemoryEntity,
  prefetchNeighbours,
} from "../../vmm/index.ts";
import { askFor, storageOfPage } from "./load.ts";
import { askedFor, type Restorer } from "./restorer-state.ts";

export function prefetchAround(self: Restorer, memory: MemoryEntity, access: Access): void {
  const { prefetch } = self.config;
  if (prefetch === undefined) return;
  const absent = clientBitmap(memory, self.config.client, "armed");
  const isThere = (page: number): boolean => !absent.has(page);
  const asked = askedFor(self);
  const ask = (named: number, isTable: boolean): boolean => {
    const page = isTable ? named : told(self, named);
    const number = storageOfPage(self, page);
    if (isThere(page) || asked.get(number) === 1) return false;
    askFor(self, number);
    return true;
  };
  const { figures } = self.volatile;
  const after = prefetchNeighbours(memory, access, prefetch, { isThere, ask }, figures);
  Object.assign(self.edit().figures, after);
}

/** For a test: a translation that is no longer true must do no harm. */
const told = ({ config }: Restorer, page: number): number =>
  config.careless === "lies" ? (page * 7_919 + 13) % config.pages : page;
