/**
 * What the outside world knows of the protection of a virtual machine: who runs it, who follows, and
 * how much of its output was seen. No part of the machine: it decides nothing.
 */
import {
  component,
  type DomainId,
  type Entity,
  type EntityId,
  type World,
} from "../kernel/index.ts";
import type { NoFields } from "./settings.ts";

/** Notice of what becomes of a protected run; data is {vm, run, event, host}. */
export const PROTECTION_NOTICE = "protection";

type ProtectionState = {
  readonly run: number;
  /** Host that runs it, and the one that follows. */
  readonly primary: string;
  readonly backup: string;
  /** The follower, while its host has it; -1: there is none. */
  readonly follower: EntityId;
  readonly state: "off" | "protected" | "alone" | "taken-over";
  /** Outputs of this run that were seen: what is numbered lower comes again. */
  readonly seen: number;
};

export type Protection = Entity<{ readonly vm: string }, ProtectionState, NoFields>;

export const protection = component<{ readonly vm: string }, ProtectionState, NoFields>({
  kind: "protection",
  shared: true,
  durable: () => ({ run: 0, primary: "", backup: "", follower: -1, state: "off", seen: 0 }),
  handlers: {},
});

/** Of a virtual machine that is to be protected. Part of building. */
export function spawnProtection(world: World, domain: DomainId, vm: string): Protection {
  return world.spawn(protection, { vm }, { domain, name: protectionName(vm) });
}

export const protectionName = (vm: string): string => `${vm}/protection`;
