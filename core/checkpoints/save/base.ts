/**
 * What a checkpoint stands on: an older one of the same run of which it is known what was written since,
 * or the one that the run is still being restored from (residual.ts).
 *
 * Must hold: what it stands on is there and is that very file; when there is any doubt it stands on
 * nothing, and saves everything.
 */
import { type Entity, fail, go, type Step } from "../../kernel/index.ts";
import { askDevice } from "../../disks/index.ts";
import { spawnInitiator } from "../../platform/index.ts";
import { clientOf, knownMemory, removeTraces, type VmEntity } from "../../vmm/index.ts";
import { chainLength, type CheckpointEntry, entryOf } from "../catalog.ts";
import { DATA_SECTOR, decodeOpening } from "../file/layout.ts";
import type { ContentRun } from "../../kernel/index.ts";
import type { CheckpointOp, CheckpointParams } from "./checkpoint-params.ts";
import { sinceClient } from "./dirty-pages.ts";
import { LONGEST_CHAIN, residualBase } from "./residual.ts";

type Op = CheckpointOp;

/** For `base`: the newest checkpoint there is. */
const LAST = "last";

/** Whether what is asked for can be: a base that is named is one. */
export function missingBase({ params, state }: Op): boolean {
  const { base } = params;
  return base !== undefined && base !== LAST && entryOf(state.catalog!, base) === undefined;
}

/**
 * Begins to look at the base, or at the file that the machine is being restored from; goes on with
 * `prepare` when there is none to be used.
 */
export function openBase(host: Entity, op: Op, vm: VmEntity): Step {
  const noted = usableBase(op, vm);
  const entry = noted ?? residualBase(op, vm);
  if (entry === undefined) return go("prepare");
  if (noted === undefined) op.edit().isResidual = true;
  const { array, paths } = op.params;
  const options = { array, volume: entry.volume, paths, owner: host.name };
  const device = spawnInitiator(host.world, op.entity as unknown as Entity, options).id;
  const request = { op: "read", sector: 0, sectors: DATA_SECTOR };
  return { ...askDevice(device, request, "prepare"), next: "standOn" };
}

function usableBase({ params, state }: Op, vm: VmEntity): CheckpointEntry | undefined {
  const { base, longestChain = LONGEST_CHAIN } = params;
  if (base === undefined) return undefined;
  const catalog = state.catalog!;
  const entry = base === LAST ? catalog.checkpoints.at(-1) : entryOf(catalog, base);
  const memory = knownMemory(vm);
  if (entry === undefined || memory === undefined) return undefined;
  const client = clientOf(memory, sinceClient(entry.checkpoint));
  if (client === undefined || client.pending !== null) return undefined;
  return chainLength(catalog, entry) < longestChain ? entry : undefined;
}

/** The base is there, as it was finished: it is the one. */
export function standOn(op: Op, runs: readonly ContentRun[]): void {
  const opened = decodeOpening(runs);
  if (!opened.ok || opened.value.head.vm !== op.params.vm) return;
  const { head, identity } = opened.value;
  op.edit().base = { checkpoint: head.checkpoint, identity };
}

/** Nobody needs it any more: at the instant every page was there. */
export function standOnNothing({ entity }: Op): void {
  delete (entity.edit().state as { base?: unknown }).base;
}

/**
 * An incremental checkpoint saves single pages; groups and buffers hold as much as they would.
 */
export function buffersOf({ params, state }: Op): CheckpointParams["buffers"] {
  const { blockPages, groupBlocks, stagingBlocks, sidePages } = params.buffers;
  if (state.base === undefined) return params.buffers;
  return {
    blockPages: 1,
    groupBlocks: groupBlocks * blockPages,
    stagingBlocks: stagingBlocks * blockPages,
    sidePages,
  };
}

/** What is written since these checkpoints is not noted any more: nothing will stand on them. */
export function stopNoting(vm: VmEntity | undefined, checkpoints: readonly string[]): void {
  const memory = vm === undefined ? undefined : knownMemory(vm);
  if (memory === undefined) return;
  for (const checkpoint of checkpoints) removeTraces(memory, sinceClient(checkpoint));
}

export const noBase = (op: Op): Step => fail("no-base", op.params.base ?? null);
