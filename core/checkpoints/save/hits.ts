/**
 * The guest is about to write a page that is not saved yet: what it holds is brought to safety first.
 *
 * Must hold: the vCPU waits for a copy in memory, never for the disk, unless there is no room for the
 * copy; then it stands still until there is, which is counted.
 */
import {
  clientBitmap,
  clientOf,
  DEVICE,
  holdAccess,
  type MemoryEntity,
  readPages,
  type TraceHit,
} from "../../vmm/index.ts";
import { memoryBeside, vmBeside } from "../beside.ts";
import { PAGE_SECTORS } from "../file/page-runs.ts";
import { goOn } from "./ending.ts";
import { pagesOfBlock, savedOf, type Saver, sideOf } from "./saver-state.ts";
import { heldBlocks, stage, sweep } from "./sweep.ts";

/** What a search must reach, else it shows nothing. */
export const WRITES_UNSAVED = "a guest writes a page that is not saved yet";

export function onHit(self: Saver, hit: TraceHit): void {
  const { stage: now } = self.volatile;
  const memory = memoryBeside(self);
  if (memory === undefined || now === "saved" || now === "failed") return;
  if (now === "arming") {
    // Only a device writes now, before the instant: the page is traced again.
    const isPending = clientOf(memory, hit.client)?.pending !== null;
    const again = isPending ? "pending" : "armed";
    return void clientBitmap(memory, hit.client, again).add(hit.page);
  }
  const block = Math.floor(hit.page / self.config.blockPages);
  if (savedOf(self).has(block)) return;
  if (self.config.careless === "copiesLate") return;
  if (!hasRoom(self) && hit.vcpu !== DEVICE) return holdAccess(memory, hit);
  const { figures } = self.edit();
  figures.hits++;
  if (figures.hits === 1) self.notice("sometimes", { name: WRITES_UNSAVED });
  if (self.config.method === "lazy") {
    const pages = pagesOfBlock(self.config, block);
    figures.copiedPages += pages;
    price(self, memory, hit, pages * self.config.costs.copyNs);
    stage(self, memory, block);
    if (self.volatile.stage === "saving") self.after(0, "sweep");
  } else putAside(self, memory, hit);
}

/** Room for one more page aside, or one more block. */
function hasRoom(self: Saver): boolean {
  const { method, stagingBlocks, sidePages } = self.config;
  if (method === "lazy") return heldBlocks(self) < stagingBlocks;
  return self.volatile.sidePages < sidePages;
}

function putAside(self: Saver, memory: MemoryEntity, hit: TraceHit): void {
  const { method, costs } = self.config;
  const state = self.edit();
  sideOf(self).write(hit.page * PAGE_SECTORS, readPages(memory, hit.page, 1));
  state.sidePages++;
  state.figures.peakHeld = Math.max(state.figures.peakHeld, state.sidePages);
  if (method === "copy-aside") state.figures.copiedPages++;
  price(self, memory, hit, method === "copy-aside" ? costs.copyNs : costs.allocateNs);
}

/** The vCPU pays, beside the fault. */
function price(self: Saver, memory: MemoryEntity, hit: TraceHit, ns: number): void {
  if (hit.vcpu === DEVICE) return;
  memory.edit().hitNs += ns;
  self.edit().figures.guestNs += ns;
}

/** There is no room for what an access would overwrite: the machine stands still. */
export function onHeld(self: Saver): void {
  const vm = vmBeside(self);
  if (vm === undefined) return;
  const state = self.edit();
  state.figures.stalls++;
  state.heldSinceNs = self.simulatedNs;
  if (self.config.method !== "lazy") state.figures.degraded = 1;
  if (!state.isStunned) {
    state.isStunned = true;
    self.ask(vm.id, "stun", {}, { then: "let-go" });
  }
  if (state.stage === "saving") sweep(self);
}

/** A storage block is on the disk: there is room again. Who degraded stands still to the end. */
export function letGoIfRoom(self: Saver): void {
  const { heldSinceNs } = self.volatile;
  if (heldSinceNs >= 0 && self.config.method === "lazy" && hasRoom(self)) goOn(self);
}
