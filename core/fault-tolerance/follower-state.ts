/** State of a follower, and what an operation at its host does with it. */
import type { Entity, EntityId } from "../kernel/index.ts";
import { releaseMemory } from "../platform/index.ts";
import type { MachineCopy, RunBeginning, RunCopy, VmRecord } from "../vmm/index.ts";
import type { Held } from "./guard-state.ts";
import type { LogEntry } from "./log-message.ts";
import type { Protection } from "./protection.ts";
import { type FollowerConfig, hostOf, type NoFields } from "./settings.ts";

export type FollowerState = {
  /** `voting`: the primary is not heard of; `live`: the vote is won, nothing is taken in any more. */
  readonly stage: "following" | "voting" | "live";
  readonly copy: RunCopy | MachineCopy;
  /** Steps of this run that are here, and those of them that the copy has not taken. */
  readonly received: number;
  readonly queue: readonly LogEntry[];
  /** Of a real machine: progress up to which it is known to have received nothing else. */
  readonly reached: number;
  /** Bursts that are computed here and not yet known to be done there; whether one is being computed. */
  readonly computed: number;
  readonly isComputing: boolean;
  readonly nextOutput: number;
  /** Outputs that the primary is known to have let go, and those after them. */
  readonly left: number;
  readonly pending: readonly Held[];
  /** When the primary was last heard of: by the own clock, and (to measure) in simulated time. */
  readonly heardNs: number;
  readonly heardAtNs: number;
};

export type Follower = Entity<FollowerConfig, NoFields, FollowerState>;

export const followedRecord = (self: Follower): VmRecord =>
  self.world.entity(self.config.record) as unknown as VmRecord;

const knownOf = (self: Follower): Protection =>
  self.world.entity(self.config.protection) as unknown as Protection;

export const followerOf = (host: Entity, id: EntityId): Follower | undefined =>
  host.world.entityOrNone(id) as unknown as Follower | undefined;

/** How a copy of a kind of guest keeps up with its machine. */
export interface Following {
  /** The copy before its first step. */
  readonly begin: (self: Follower, beginning: RunBeginning) => RunCopy | MachineCopy;
  /** Takes every step that it can by now. */
  readonly catchUp: (self: Follower) => void;
  /** Has nothing left that is known of its machine. */
  readonly isThere: (self: Follower) => boolean;
  /** The guest's time from where it stands to there. */
  readonly behindNs: (self: Follower) => number;
  /** More becomes known of the machine in this event. */
  readonly beforeMore: (self: Follower) => void;
  /** The outside world has seen these. */
  readonly haveLeft: (self: Follower, outputs: readonly Held[]) => void;
}

/** The outside world learns that this one follows no more. */
export function forgetFollower(self: Follower): void {
  const known = knownOf(self);
  if (known.durable.follower === self.id) known.editDurable().follower = -1;
}

/** Nothing is followed by it any more; what it reserved is free again, if no other start needs it. */
export function dismiss(self: Follower): void {
  forgetFollower(self);
  self.world.removeTree(self as unknown as Entity);
  const { vm } = self.config;
  const isFollowedStill = [...self.world.entities()].some(
    ({ kind, domain, config }) =>
      kind === self.kind && domain === self.domain && (config as FollowerConfig).vm === vm,
  );
  if (!isFollowedStill) releaseMemory(hostOf(self as unknown as Entity), vm);
}
