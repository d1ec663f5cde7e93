/** Head and tail of the file that a checkpoint operation writes. */
import type { Entity } from "../../kernel/index.ts";
import type { RunImage, VmRecord } from "../../vmm/index.ts";
import { encodeHead, encodeTail, type Head, WORKING_SET_VERSION } from "../file/layout.ts";
import { machineIdentity } from "../machine-identity.ts";
import { bytesOfState } from "../saved-state.ts";
import type { CheckpointOp } from "./checkpoint-params.ts";
import { saverIn } from "./checkpoint-parts.ts";
import { mapsOf } from "./saved-maps.ts";
import type { Saver } from "./saver-state.ts";

function headOf(host: Entity, op: CheckpointOp): Head {
  const { vm, checkpoint: id, record } = op.params;
  const { spec } = (host.world.entity(record) as unknown as VmRecord).config;
  return {
    vm,
    checkpoint: id,
    machine: machineIdentity(spec),
    pages: spec.memoryPages,
    blockPages: saverIn(host, op)!.config.blockPages,
    base: op.state.base ?? null,
  };
}

export function headBytes(host: Entity, op: CheckpointOp): Uint8Array {
  const head = headOf(host, op);
  return op.params.workingSet === undefined || head.base !== null
    ? encodeHead(head)
    : encodeHead(head, WORKING_SET_VERSION);
}

export function tailOf(host: Entity, op: CheckpointOp, made: Saver, tailSector: number) {
  const image = made.volatile.image as RunImage;
  const { workingSet } = made.volatile;
  const state = bytesOfState({ image, workingSet });
  return encodeTail(headBytes(host, op), tailSector, state, mapsOf(made));
}
