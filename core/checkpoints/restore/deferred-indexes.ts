/** Before a machine goes on whose contents are deferred: the indexes of storage blocks are read. */
import type { ContentRun, Plain, Reply, Request } from "../../kernel/index.ts";
import type { MemoryEntity } from "../../vmm/index.ts";
import { memoryBeside } from "../beside.ts";
import { decodeIndex } from "../file/storage-block.ts";
import { learn, SHARED_CLIENT } from "./deferred.ts";
import { fail, readOn } from "./load.ts";
import { blockPagesOf, type Restorer, unitsOf } from "./restorer-state.ts";

/** Below what brings absent pages. */
const PRIORITY = 99;
/** Indexes that are read at once. */
const AT_ONCE = 4;

/** In place of reading anything: the client first, then what is known of pages. */
export function beginDeferred(self: Restorer, memory: MemoryEntity): void {
  self.edit().deferred = { classes: [], asked: 0, answered: 0 };
  const wish = { client: SHARED_CLIENT, mode: "stores", granularity: "4KiB", by: "all" } as const;
  const rest = { priority: PRIORITY, owner: self.id, ranges: [], onMove: "before-stop" } as const;
  self.ask(memory.id, "trace", { ...wish, ...rest }, { then: "shared-traced" });
}

export function readIndexes(self: Restorer): void {
  const { deferred, storage, stage, device } = self.volatile;
  if (deferred === null || stage !== "loading") return;
  const state = self.edit().deferred!;
  while (state.asked < storage.length && state.asked - state.answered < AT_ONCE) {
    const number = state.asked++;
    const { sector, indexSectors: sectors, below } = storage[number]!;
    const to = below?.device ?? device;
    const request = { op: "read", sector, sectors };
    self.edit().figures.indexReads = (self.volatile.figures.indexReads ?? 0) + 1;
    self.ask(to, "io", request as Plain, { then: "index-read", tag: number });
  }
}

export function onIndex(self: Restorer, reply: Reply): void {
  const memory = memoryBeside(self);
  if (self.volatile.stage !== "loading") return;
  if (!reply.ok) return fail(self, reply.code);
  if (memory === undefined) return fail(self, "vm-off");
  const number = reply.tag as number;
  const stored = self.volatile.storage[number]!;
  const { runs } = reply.value as unknown as { runs: readonly ContentRun[] };
  const blockPages = blockPagesOf(self, stored);
  const at = { ...stored, checksum: BigInt(stored.checksum) };
  const found = decodeIndex(at, runs, self.config.pages, blockPages);
  if (!found.ok) return fail(self, found.problem.code);
  const own = new Set(unitsOf(self, number));
  const isOwn = (page: number): boolean => own.has(Math.floor(page / self.config.blockPages));
  found.value.forEach((run) => learn(self, memory, run, isOwn));
  self.edit().deferred!.answered++;
  readIndexes(self);
  const { deferred, storage, atReady } = self.volatile;
  if (deferred!.answered < storage.length) return;
  self.edit().atReady = null;
  if (atReady !== null) self.reply(atReady as Request, {});
  readOn(self);
}
