/**
 * Checkpoint of a machine whose restore is still lazy (US 9,053,065): pages that are not there yet stay
 * where they are. The new file stands on the one that is being restored, as incremental ones stand on
 * theirs, and has only the pages that were there at the instant.
 *
 * Must hold: what is left out was absent at the instant, and is what the file below has; that file is
 * the one that is being restored, and no other of its name.
 */
import { ask, type Entity, type EntityId, fail, go, type Step } from "../../kernel/index.ts";
import {
  absentClients,
  clientBitmap,
  clientOf,
  memoryOf,
  type MemoryEntity,
  type TraceClient,
  type VmEntity,
} from "../../vmm/index.ts";
import { type CheckpointEntry, chainLength, entryOf } from "../catalog.ts";
import { RESTORE_CLIENT, restoredFile } from "../restore/restorer-state.ts";
import type { CheckpointOp } from "./checkpoint-params.ts";
import { vmIn } from "./checkpoint-parts.ts";
import { savedOf, type Saver } from "./saver-state.ts";

export const LONGEST_CHAIN = 8;

/** Notice at the instant when pages are left out; data is {vm, checkpoint, base, pages}. */
export const RESIDUAL_NOTICE = "checkpoint-residual";

/** What a search must reach, else it shows nothing. */
export const SAVES_WHILE_LAZY = "a machine is saved whose restore is still lazy";

/** The file that absent pages can stay in; undefined: there is none, or it is not at hand. */
export function residualBase(op: CheckpointOp, vm: VmEntity): CheckpointEntry | undefined {
  const { array, longestChain = LONGEST_CHAIN } = op.params;
  const absent = clientOf(memoryOf(vm), RESTORE_CLIENT);
  const file = absent === undefined ? undefined : restoredFile(vm.world, absent.owner);
  if (file?.array !== array) return undefined;
  const catalog = op.state.catalog!;
  const entry = entryOf(catalog, file.checkpoint);
  if (entry?.volume !== file.volume) return undefined;
  return chainLength(catalog, entry) < longestChain ? entry : undefined;
}

/** Pages that have to be there before it begins; those of a lazy restore can stay in their file. */
export function awaitAbsent(host: Entity, op: CheckpointOp, next: string): Step {
  const vm = vmIn(host, op);
  if (vm === undefined) return fail("vm-off", op.params.vm);
  const owner = awaitedOwner(memoryOf(vm), residualBase(op, vm) !== undefined);
  if (owner < 0) return go(next);
  // The machine has just left, and another host brings them.
  if (host.world.entityOrNone(owner) === undefined) return fail("pages-absent", op.params.vm);
  return ask(owner, "hurry", {}, next, { otherwise: "cannotCome" });
}

/** Who brings pages that have to be there before this memory can be saved; -1: nobody. */
export function awaitedOwner(memory: MemoryEntity, isLeftOut: boolean): EntityId {
  const awaited = absentClients(memory).find((client) => !isLeftOut || !isRestore(client));
  return awaited?.owner ?? -1;
}

const isRestore = ({ name }: TraceClient): boolean => name === RESTORE_CLIENT;

/** At the instant: what is absent is not saved. False: it is nowhere else that is known. */
export function leaveOutAbsent(self: Saver, memory: MemoryEntity): boolean {
  const { client, residual, since, blockPages, careless } = self.config;
  for (const { name, owner } of absentClients(memory)) {
    const absent = clientBitmap(memory, name, "armed");
    // Of a machine that was just given away another host brings the rest, and saves it.
    const isHere = restoredFile(memory.world, owner) !== undefined;
    const isLeftOut = name === RESTORE_CLIENT && blockPages === 1 && isHere;
    // What was written since is there.
    if (isLeftOut && since !== undefined) continue;
    if (!isLeftOut || residual === undefined) {
      if (absent.next(0) < 0) continue;
      return false;
    }
    const traced = clientBitmap(memory, client, "armed");
    const saved = savedOf(self);
    let pages = 0;
    for (let page = absent.next(0); page >= 0; page = absent.next(page + 1)) {
      if (careless === "savesAbsent" && page % 7 === 3) continue;
      saved.add(page);
      traced.delete(page);
      pages++;
    }
    // None is absent, and the file is still being read: it stays all the same.
    self.edit().figures.residualPages = pages;
    if (pages === 0) continue;
    const { name: vm, checkpoint } = self.config;
    self.notice("sometimes", { name: SAVES_WHILE_LAZY });
    self.notice(RESIDUAL_NOTICE, { vm, checkpoint, base: residual, pages });
  }
  return true;
}

/** Whether a page is there; before the instant. */
export function presence(memory: MemoryEntity): (page: number) => boolean {
  const absent = absentClients(memory).map(({ name }) => clientBitmap(memory, name, "armed"));
  return (page) => !absent.some((each) => each.has(page));
}
