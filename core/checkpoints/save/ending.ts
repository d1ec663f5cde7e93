/** How the saving of a memory ends, and how the guest goes on. */
import type { Plain, Request } from "../../kernel/index.ts";
import { charge, type MemoryEntity, releaseAccess, removeTraces } from "../../vmm/index.ts";
import { memoryBeside, vmBeside } from "../beside.ts";
import { dropBackground } from "./background.ts";
import { asPlainFigures, type Saver, sideOf } from "./saver-state.ts";

/** All is saved, or (with a code) it will not be. The guest goes on either way. */
export function endSaving(self: Saver, failure: string | null): void {
  const { stage, atInstant, atEnd } = self.volatile;
  if (stage === "saved" || stage === "failed") return;
  const memory = memoryBeside(self);
  dropBackground(self, memory, failure);
  if (memory !== undefined) {
    removeTraces(memory, self.config.client);
    if (failure === null && self.config.method === "redirect") merge(self, memory);
  }
  const state = self.edit();
  state.stage = failure === null ? "saved" : "failed";
  state.failure = failure ?? "";
  state.staged = [];
  state.atInstant = null;
  state.atEnd = null;
  self.world.contents.remove(`${self.name}#side`);
  goOn(self);
  if (atInstant !== null) answer(self, atInstant as Request);
  if (atEnd !== null) answer(self, atEnd as Request);
}

/** Who waits for the end is told how it came. */
export function answer(self: Saver, request: Request): void {
  const { failure, figures, nextSector } = self.volatile;
  if (failure !== "") return self.refuse(request, failure);
  self.reply(request, { nextSector, figures: asPlainFigures(figures) } as Plain);
}

/** The redirected pages come back to where the guest's tables say: cost that copying aside has not. */
function merge(self: Saver, memory: MemoryEntity): void {
  const pages = sideOf(self).allocatedSectors / 8;
  const ns = pages * self.config.costs.mergeNs;
  const { figures } = self.edit();
  figures.mergedPages = pages;
  figures.mergeNs = ns;
  figures.guestNs += ns;
  chargeEvenly(memory, ns);
}

/** Every vCPU stands still for its part. */
export function chargeEvenly(memory: MemoryEntity, ns: number): void {
  const { vcpus } = memory.config;
  for (let vcpu = 0; vcpu < vcpus; vcpu++) charge(memory, vcpu, Math.ceil(ns / vcpus));
}

/** An access that was held proceeds, and the machine with it. */
export function goOn(self: Saver): void {
  const { heldSinceNs, isStunned } = self.volatile;
  const memory = memoryBeside(self);
  if (memory !== undefined) releaseAccess(memory);
  const state = self.edit();
  if (heldSinceNs >= 0) {
    state.figures.stallNs += self.simulatedNs - heldSinceNs;
    state.heldSinceNs = -1;
  }
  state.isStunned = false;
  const vm = vmBeside(self);
  if (isStunned && vm !== undefined) self.ask(vm.id, "unstun", {}, { then: "let-go" });
}
