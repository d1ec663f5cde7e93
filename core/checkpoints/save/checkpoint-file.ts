/** Head and tail of the file that a checkpoint operation writes. */
import type { Entity } from "../../kernel/index.ts";
import type { RunImage, VmRecord } from "../../vmm/index.ts";
import { asPlain } from "../catalog.ts";
import { encodeHead, encodeTail, type Head } from "../file/layout.ts";
import { bytesOfPlain } from "../file/plain-bytes.ts";
import { machineIdentity } from "../machine-identity.ts";
import { buffersOf } from "./base.ts";
import type { CheckpointOp } from "./checkpoint-params.ts";
import { mapsOf } from "./saved-maps.ts";
import type { Saver } from "./saver-state.ts";

export function headOf(host: Entity, op: CheckpointOp): Head {
  const { vm, checkpoint: id, record } = op.params;
  const { spec } = (host.world.entity(record) as unknown as VmRecord).config;
  return {
    vm,
    checkpoint: id,
    machine: machineIdentity(spec),
    pages: spec.memoryPages,
    blockPages: buffersOf(op).blockPages,
    base: op.state.base ?? null,
  };
}

export function tailOf(host: Entity, op: CheckpointOp, made: Saver, tailSector: number) {
  const image = made.volatile.image as RunImage;
  const state = bytesOfPlain(asPlain(image));
  return encodeTail(encodeHead(headOf(host, op)), tailSector, state, mapsOf(made));
}
