/**
 * Incremental checkpoints: from the instant of a checkpoint on, traces note which pages are written, and
 * a later one that stands on it saves only those.
 *
 * Must hold: what is noted is never less than what differs. The notes are those of one run on one host:
 * after a crash, a restore or a move there are none, and the next checkpoint saves everything.
 */
import type { Plain } from "../../kernel/index.ts";
import { bitmapRanges, clientBitmap, clientOf, type MemoryEntity } from "../../vmm/index.ts";
import { blocksOf } from "../beside.ts";
import { savedOf, type Saver } from "./saver-state.ts";
import { stage } from "./sweep.ts";

/** Trace client that notes what is written since the instant of a checkpoint. */
export const sinceClient = (checkpoint: string): string => `since ${checkpoint}`;

/** Large entries: few have to be changed, and the first write to each breaks it down. */
const GRANULARITY = "2MiB";

/** Before the instant; true when the saver has to wait for it. */
export function startNoting(self: Saver, memory: MemoryEntity): boolean {
  if (self.config.notes !== true) return false;
  const client = sinceClient(self.config.checkpoint);
  if (clientOf(memory, client) !== undefined) return false;
  const wish = { client, mode: "stores", priority: 0, granularity: GRANULARITY } as const;
  const body = { ...wish, by: "all", onMove: "ends" };
  self.ask(memory.id, "trace", body as Plain, { then: "noting" });
  return true;
}

/** Pages that have to be saved, as far as that is known before the instant; all: undefined. */
export function rangesToSave({ config }: Saver, memory: MemoryEntity) {
  if (config.since === undefined) return undefined;
  return bitmapRanges(clientBitmap(memory, sinceClient(config.since), "dirty"));
}

/** At the instant: blocks without a page that was written are not saved. */
export function leaveOutClean(self: Saver, memory: MemoryEntity): void {
  const { since, blockPages, client, careless } = self.config;
  if (since === undefined) return;
  const dirty = clientBitmap(memory, sinceClient(since), "dirty");
  const armed = clientBitmap(memory, client, "armed");
  const saved = savedOf(self);
  const late = new Set<number>();
  let from = 0;
  for (let page = dirty.next(0); page >= 0; page = dirty.next(from * blockPages)) {
    const block = Math.floor(page / blockPages);
    if (block > from) saved.addRange(from, block - from);
    from = block + 1;
    if (careless === "losesDirty" && block % 7 === 3) saved.add(block);
    // A device wrote it when the traces had been asked for: nobody would be told of the next write.
    else if (!armed.has(page)) late.add(block);
    if (from >= blocksOf(self.config)) break;
  }
  if (from < blocksOf(self.config)) saved.addRange(from, blocksOf(self.config) - from);
  for (const block of late) stage(self, memory, block);
}
