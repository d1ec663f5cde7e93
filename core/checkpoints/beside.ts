/** What saver and restorer have in common: each is an entity beside the run whose memory it works on. */
import type { Entity, EntityId } from "../kernel/index.ts";
import type { MemoryEntity, VmEntity } from "../vmm/index.ts";

export type BesideConfig = {
  readonly checkpoint: string;
  /** Id of the VM, and the entity of its run. */
  readonly name: string;
  readonly vm: EntityId;
  readonly memory: EntityId;
  readonly pages: number;
  readonly blockPages: number;
};

type Beside = Pick<Entity, "world"> & { readonly config: BesideConfig };

/** Undefined: the run is gone, and its memory with it. */
export const memoryBeside = ({ world, config }: Beside): MemoryEntity | undefined =>
  world.entityOrNone(config.memory) as MemoryEntity | undefined;

export const vmBeside = ({ world, config }: Beside): VmEntity | undefined =>
  world.entityOrNone(config.vm) as VmEntity | undefined;

export const blocksOf = ({ pages, blockPages }: BesideConfig): number =>
  Math.ceil(pages / blockPages);
