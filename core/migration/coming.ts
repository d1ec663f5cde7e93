/** What is on its way to a host, as its agent keeps it. */
import type { Component, Entity, EntityId, Plain, PlainObject, Request } from "../kernel/index.ts";
import { type HostEntity, releaseMemory } from "../platform/index.ts";
import { dropArrivingRun, type VmEntity } from "../vmm/index.ts";
import type { AgentDurable } from "./local-disks/notes.ts";
import type { AboutMove, Reservation } from "./settings.ts";

type NoFields = Record<string, never>;

/** How often an agent looks whether sources still know of what is on its way. */
export const LOOK_NS = 2_000_000_000;

/** A machine that is on its way here. */
export type Coming = Reservation & {
  readonly instance: EntityId;
  /** `filling`: it runs here, and its pages come. */
  readonly stage: "admitting" | "copying" | "complete" | "starting" | "filling";
  /** What brings its pages when it runs; absent: they are there before. */
  readonly fetcher?: EntityId;
  readonly resumedNs?: number;
  readonly heardAtNs: number;
  /** Whoever waits for it to be admitted, or to go on. */
  readonly waiting: readonly Request[];
  /** Files with absent pages are out of reach here. */
  readonly isFar?: true;
  /** Arrays that have not answered over any path yet, each with the paths that may still. */
  readonly unreached?: { [array: string]: number };
};

export type AgentState = {
  readonly coming: { readonly [vm: string]: Coming };
  /** Requests at media of disks that are coming; absent: there were none. */
  readonly mediumIo?: { readonly [device: string]: number };
};
export type AgentEntity = Entity<NoFields, AgentDurable, AgentState>;
export type AgentComponent = Component<NoFields, AgentDurable, AgentState>;

type Open<T> = { -readonly [K in keyof T]: T[K] };
type ComingTable = { [vm: string]: Open<Coming> };

export const editComing = (self: AgentEntity, vm: string): Open<Coming> =>
  (self.edit().coming as ComingTable)[vm]!;

export function addComing(self: AgentEntity, coming: Coming): void {
  (self.edit().coming as { [vm: string]: Coming })[coming.vm] = coming;
}

/** What the message is about, if it is about what is coming. */
export function known(
  self: AgentEntity,
  { body }: Request<AboutMove & PlainObject>,
): Coming | undefined {
  const coming = self.volatile.coming[body.vm];
  if (coming?.source !== body.source) return undefined;
  editComing(self, body.vm).heardAtNs = self.simulatedNs;
  return coming;
}

export const hostOf = (self: AgentEntity): HostEntity =>
  self.world.named(self.world.registry.domain(self.domain).name) as unknown as HostEntity;

/** The machine runs here, or cannot: everybody who waits is told. */
export function settleComing(self: AgentEntity, vm: string, problem: string | null): void {
  const coming = self.volatile.coming[vm];
  if (coming === undefined) return;
  const { waiting, fetcher } = coming;
  for (const request of waiting) {
    if (problem === null) self.reply(request, { resumedNs: self.simulatedNs } as Plain);
    else self.refuse(request, "unknown", problem);
  }
  if (problem !== null) return drop(self, coming);
  if (fetcher === undefined) return forget(self, vm);
  const state = editComing(self, vm);
  state.waiting = [];
  state.stage = "filling";
  state.resumedNs = self.simulatedNs;
}

export function forget(self: AgentEntity, vm: string): void {
  delete (self.edit().coming as ComingTable)[vm];
  if (self.durable.media !== undefined) self.after(0, "settle-media");
}

/** Nothing is left of what was made ready for it. */
export function drop(self: AgentEntity, { vm, instance }: Coming): void {
  forget(self, vm);
  const run = self.world.entityOrNone(instance);
  if (run !== undefined) dropArrivingRun(run as unknown as VmEntity);
  releaseMemory(hostOf(self), vm);
}
