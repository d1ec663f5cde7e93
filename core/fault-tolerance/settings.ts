/** How a pair of machines is kept, and what both sides and the vote between them are told. */
import { type Entity, type EntityId, type PlainObject, type World } from "../kernel/index.ts";
import type { PowerOnParams } from "../disks/index.ts";
import type { HostEntity } from "../platform/index.ts";

export type NoFields = Record<string, never>;

export type FtSettings = {
  /** How often each side says that it is there. */
  readonly heartbeatNs: number;
  /** Silence, on the own clock, after which the other side is suspected. */
  readonly timeoutNs: number;
  /** The primary waits when the backup is further behind. */
  readonly maxLagNs: number;
};

/** The pair of one run. */
export type Pair = {
  readonly vm: string;
  readonly run: number;
  /** The VM's record, and what the outside knows of its protection. */
  readonly record: EntityId;
  readonly protection: EntityId;
  /** Where the vote is taken: storage that both reach. */
  readonly array: EntityId;
  readonly settings: FtSettings;
};

/** A side of the pair, as the other one is told of it. */
export type FollowerConfig = Pair & {
  /** How the backup's host opens the disks when it goes on. */
  readonly powerOn: PowerOnParams & PlainObject;
};

export const ballotFile = (vm: string): string => `${vm}.vote`;

/** Host of an entity: it bears the name of their domain. */
export function hostOf({ world, domain }: Entity): HostEntity {
  return namedHost(world, world.registry.domain(domain).name);
}

export const namedHost = (world: World, name: string): HostEntity =>
  world.named(name) as unknown as HostEntity;
