/**
 * Saves the memory of a machine to a file while it goes on (US 9,053,064, "lazy checkpoint", for
 * `lazy`; E. Wheeler, "Virtual Machine Checkpointing in High-Availability Environments", for the
 * other two; `stop-and-copy` is what both improve on).
 *
 * Requests: `open` ({device}), `background` (answered when nothing is left that could be saved while the
 * machine runs), `instant` (answered when the machine may go on), `end` (answered when
 * all is saved, with figures).
 *
 * Must hold: the file is the memory of the instant; each block is saved once, but for those that are
 * written after they were saved in the background.
 */
import {
  component,
  type Editable,
  type Entity,
  type EntityId,
  type Plain,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import { imageOf, settleMemory, type TraceHit, type VmEntity } from "../../vmm/index.ts";
import { memoryBeside, vmBeside } from "../beside.ts";
import { DATA_SECTOR } from "../file/layout.ts";
import type { Block } from "../file/storage-block.ts";
import { answer, chargeEvenly, endSaving } from "./ending.ts";
import { leaveOutClean, rangesToSave, startNoting } from "./dirty-pages.ts";
import { letGoIfRoom, onHeld, onHit } from "./hits.ts";
import { leaveOutAbsent } from "./residual.ts";
import { type Saver, type SaverConfig, type SaverState } from "./saver-state.ts";
import { sweep, writeGroup } from "./sweep.ts";
import {
  beginBackground,
  endBackground,
  onBackgroundHit,
  onBackgroundTraced,
  saveInBackground,
} from "./working-set.ts";

/** Over what else traces pages: the content must be safe before anybody else lets an access through. */
const PRIORITY = 10;

/** Notice at the instant of a checkpoint; data is {vm, checkpoint, memory}. For invariants. */
export const INSTANT_NOTICE = "checkpoint-instant";

export const saver = component<SaverConfig, Record<string, never>, SaverState>({
  kind: "checkpoint-saver",
  volatile: () => ({
    stage: "idle",
    device: -1,
    image: null,
    background: null,
    workingSet: null,
    cursor: 0,
    staged: [],
    inFlight: 0,
    nextSector: DATA_SECTOR,
    written: [],
    sidePages: 0,
    pageReads: 0,
    heldSinceNs: -1,
    isStunned: false,
    failure: "",
    atInstant: null,
    atEnd: null,
    figures: {
      savedBlocks: 0,
      storageBlocks: 0,
      writtenSectors: 0,
      hits: 0,
      copiedPages: 0,
      peakHeld: 0,
      stalls: 0,
      stallNs: 0,
      degraded: 0,
      guestNs: 0,
      mergedPages: 0,
      mergeNs: 0,
    },
  }),
  handlers: {
    open: (self, request: Request<{ readonly device: EntityId }>) => {
      self.edit().device = request.body.device;
      self.reply(request, {});
    },
    background: (self, request: Request) => beginBackground(self, request),
    "background-traced": (self, reply: Reply) => onBackgroundTraced(self, reply),
    "background-over": (self, _arg: number) => saveInBackground(self),
    instant: (self, request: Request) => arm(self, request),
    noting: (self, reply: Reply) => (reply.ok ? setTraces(self) : endSaving(self, "busy")),
    traced: (self, reply: Reply) => beginSaving(self, reply.ok),
    "trace-hit": (self, hit: TraceHit) => onBackgroundHit(self, hit) ?? onHit(self, hit),
    "access-held": (self) => onHeld(self),
    sweep: (self, _arg: number) => sweep(self),
    write: (self, group: readonly Block[]) => writeGroup(self, group),
    written: (self, reply: Reply) => {
      if (!reply.ok) return endSaving(self, reply.code);
      const state = self.edit();
      state.inFlight -= reply.tag as number;
      chargeSecondLookups(self);
      letGoIfRoom(self);
      if (self.volatile.stage === "background") saveInBackground(self);
      else sweep(self);
    },
    "let-go": () => {},
    /** Whoever made it does not need it any more, or gives up. */
    close: (self, _arg: number) => endSaving(self, "closed"),
    end: (self, request: Request) => {
      const { stage } = self.volatile;
      if (stage === "saved" || stage === "failed") return answer(self, request);
      self.edit().atEnd = request as Editable<Request>;
    },
  },
  crashed: (self) => self.world.remove(self as unknown as Entity),
});

/** Somebody saves the machine just now, wherever to: two would take each other's traces off. */
export function isSaved(vm: VmEntity): boolean {
  for (const { kind, config } of vm.world.entities()) {
    if (kind === saver.kind && (config as SaverConfig).vm === vm.id) return true;
  }
  return false;
}

/** The machine stands still, its disks are drained: once no write can pass unseen, it is the moment. */
function arm(self: Saver, request: Request): void {
  const memory = memoryBeside(self);
  const { stage } = self.volatile;
  const isDue = stage === (self.config.workingSet === undefined ? "idle" : "background");
  if (memory === undefined || !isDue) return self.refuse(request, "vm-off");
  const state = self.edit();
  state.stage = "arming";
  state.atInstant = request as Editable<Request>;
  if (!startNoting(self, memory)) setTraces(self);
}

/** What has to be saved is traced. */
function setTraces(self: Saver): void {
  const memory = memoryBeside(self);
  if (self.volatile.stage !== "arming") return;
  if (memory === undefined) return endSaving(self, "vm-off");
  settleMemory(memory);
  const { client, method } = self.config;
  const ranges = rangesToSave(self, memory);
  // A machine that stands still to the end is only written by devices: few entries will do.
  const granularity = method === "stop-and-copy" ? "1GiB" : "4KiB";
  const wish = { client, mode: "stores", granularity, by: "all", onMove: "before-stop" } as const;
  const body = { ...wish, priority: PRIORITY, owner: self.id, ...(ranges && { ranges }) };
  self.ask(memory.id, "trace", body as Plain, { then: "traced" });
}

/** This is what the checkpoint is of. */
function beginSaving(self: Saver, isTraced: boolean): void {
  const { atInstant: request, stage } = self.volatile;
  const vm = vmBeside(self);
  const memory = memoryBeside(self);
  if (stage !== "arming") return;
  if (!isTraced || vm === undefined || memory === undefined) return endSaving(self, "busy");
  // One that is only being restored is not to be saved: what it goes on from is.
  if (vm.volatile.stage !== "running") return endSaving(self, "busy");
  settleMemory(memory);
  if (self.volatile.background !== null) endBackground(self, memory);
  if (!leaveOutAbsent(self, memory)) return endSaving(self, "pages-absent");
  const state = self.edit();
  state.image = imageOf(vm, self.config.checkpoint) as never;
  state.stage = "saving";
  state.pageReads = pageReadsOf(self);
  leaveOutClean(self, memory);
  const { name, checkpoint, memory: id } = self.config;
  self.notice(INSTANT_NOTICE, { vm: name, checkpoint, memory: id });
  self.after(0, "sweep");
  if (self.config.method === "stop-and-copy" || request === null) return;
  state.atInstant = null;
  self.reply(request as Request, {});
}

const pageReadsOf = (self: Saver): number =>
  (vmBeside(self)?.volatile as { pageReads?: number } | undefined)?.pageReads ?? 0;

/** While pages are redirected, reads of them go through a second table. */
function chargeSecondLookups(self: Saver): void {
  const memory = memoryBeside(self);
  if (self.config.method !== "redirect" || memory === undefined) return;
  const reads = pageReadsOf(self);
  const state = self.edit();
  const share = state.sidePages / self.config.pages;
  const ns = Math.floor((reads - state.pageReads) * share * self.config.costs.secondLookupNs);
  state.pageReads = reads;
  state.figures.guestNs += ns;
  chargeEvenly(memory, ns);
}
