/**
 * What the world outside knows of a virtual machine: whether and where it runs, its guest's journal
 * and the hash of its output. It survives every crash, and the outside world is no failure domain of
 * its own, so every domain may look at it and change it.
 */
import {
  component,
  type Component,
  type DomainId,
  type Entity,
  type EntityId,
  type World,
} from "../kernel/index.ts";
import {
  type GuestJournal,
  type GuestKinds,
  type GuestSpec,
  initialJournal,
  kindOf,
} from "../guest/index.ts";
import type { RunImage } from "./run-image.ts";
import { NO_OUTPUT, type OutputHash } from "./output-hash.ts";

export type VmConfig = {
  readonly spec: GuestSpec;
  /** Weight of each vCPU in the processor scheduler. */
  readonly shares: number;
  /** Its host stops it at integrity alerts (integrity/standing.ts). */
  readonly stopsAtAlerts?: true;
};

export type Policy = {
  readonly event: string;
  readonly target: EntityId;
  readonly handler: string;
};

export type VmRecordState = {
  readonly power: "off" | "on";
  /** Number of the last power-on; 0 before the first. */
  readonly run: number;
  /** The `vm` entity while it is on, else -1. */
  readonly instance: EntityId;
  /** Name of the domain on which it runs, or ran last. */
  readonly host: string;
  /** How the last run ended; only after a shutdown the guest finds its disks in good order. */
  readonly ended: "never-run" | "shutdown" | "power-off" | "crash";
  /** Inputs delivered to the guest so far: its progress. */
  readonly steps: number;
  readonly journal: GuestJournal;
  readonly outputs: OutputHash;
  readonly policies: readonly Policy[];
  /** Writes of pages that have got their stamps, in all runs; none: there were no such writes. */
  readonly pageWrites?: number;
  /** Alerts of its integrity driver so far; none: there were none. */
  readonly integrityAlerts?: number;
  /** Alert at which it stands still until somebody lets it go on; none: it does not. */
  readonly standsAt?: number;
  /** Stuns that an operator made of its run and has not taken back; none: 0. */
  readonly stunsByHand?: number;
  /** How often it went on from before messages that others had from it; none: it never did. */
  readonly rewinds?: number;
  /** How often its machine went on from a checkpoint; none: it never did. */
  readonly resumptions?: number;
  /** How often a disk of it was replaced while it was off; none: never. */
  readonly replacements?: number;
  /** How often a volume was mounted for its guest, in all runs and places; none: never. */
  readonly mounts?: number;
  /** Media of hosts that hold its local disks by now, by disk; none: those of its beginning. */
  readonly places?: { readonly [disk: string]: string };
};

export type NoState = Record<string, never>;
export type VmRecord = Entity<VmConfig, VmRecordState, NoState>;
export type VmRecordComponent = Component<VmConfig, VmRecordState, NoState>;

/** Where to power on: a host's domain, its processor (-1: computing takes its time unshared). */
export type VmPlace = {
  readonly domain: DomainId;
  readonly cpu: EntityId;
  /** Guard of the run, an entity of that domain. */
  readonly guard?: EntityId;
  /** It goes on from there, and does not start. */
  readonly image?: RunImage;
};

/** Another volume is mounted for the guest: its number, higher than any before. */
export function numberMount(record: VmRecord): number {
  const durable = record.editDurable();
  durable.mounts = (durable.mounts ?? 0) + 1;
  return durable.mounts;
}

/** Name of the medium to which a local disk has moved; undefined: it is where it was at the beginning. */
export const diskPlace = ({ durable }: VmRecord, disk: string): string | undefined =>
  durable.places?.[disk];

/** In the event in which the run that the disk moved with gets its disks. */
export function noteDiskPlace(record: VmRecord, disk: string, medium: string): void {
  const state = record.editDurable();
  state.places = { ...state.places, [disk]: medium };
}

export function vmRecordComponent(
  kinds: GuestKinds,
  powerOn: (record: VmRecord, place: VmPlace) => void,
): VmRecordComponent {
  return component<VmConfig, VmRecordState, NoState>({
    kind: "vm-record",
    shared: true,
    durable: ({ spec }) => ({
      power: "off",
      run: 0,
      instance: -1,
      host: "",
      ended: "never-run",
      steps: 0,
      journal: initialJournal(kindOf(kinds, spec), spec),
      outputs: NO_OUTPUT,
      policies: [],
    }),
    handlers: { "power-on": powerOn },
    /** What its run shows, as if it were the machine's own: `/db/machine`. */
    view: (self: VmRecord, path) => {
      const run = self.world.entityOrNone(self.durable.instance);
      return path[0] === "machine" ? run?.component.view?.(run as never, path) : undefined;
    },
  });
}

/** The record of a virtual machine, by the id that the document gives. */
export function vmRecordOf(world: World, vm: string): VmRecord {
  return world.named(vm) as unknown as VmRecord;
}

/**
 * Number of what it sends now, a run as its peers see it: higher after each power-on, and after each time
 * that it went back to before what it had sent. Then it sends other messages under the same numbers.
 */
export const sendingRun = ({ durable: { run, rewinds = 0 } }: VmRecord): number => run + rewinds;

/** Counts what its machine began, or went on with: while it is the same, it did nothing. */
export const livesOf = ({ durable: { run, resumptions = 0 } }: VmRecord): number =>
  run + resumptions;

/** While this is the same, the machine did nothing, and its disks are as it left them. */
export const leftAs = (record: VmRecord): number =>
  livesOf(record) + (record.durable.replacements ?? 0);

/** In the event in which a run that was brought back is let go. */
export function noteResumption(record: VmRecord): void {
  const durable = record.editDurable();
  durable.resumptions = (durable.resumptions ?? 0) + 1;
}

/** It is off because its host was lost: a candidate for a restart elsewhere. */
export function lostToCrash(record: VmRecord): boolean {
  return record.durable.power === "off" && record.durable.ended === "crash";
}

/** Hash and length of each guest's output so far, by virtual machine. */
export function outputHashes(world: World): { [vm: string]: OutputHash } {
  const hashes: { [vm: string]: OutputHash } = {};
  for (const entity of world.entities()) {
    if (entity.kind !== "vm-record") continue;
    hashes[entity.name] = (entity as unknown as VmRecord).durable.outputs;
  }
  return hashes;
}
