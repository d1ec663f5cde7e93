/**
 * Power-on of a VM whose disks lie on an array: first what an earlier operation left half done is
 * finished or undone, then each disk's chain is opened from its descriptors, then the guest starts.
 * Recovery sees durable state alone (configuration and intent); running it twice, or crashing in
 * the middle of it, ends in the same place.
 */
import {
  type Entity,
  type EntityId,
  done,
  fail,
  go,
  type Operation,
  operation,
  perform,
  type PlainObject,
  type SectorRange,
  type Step,
  resumeOperation,
  startOperation,
  together,
} from "../../kernel/index.ts";
import { type HostEntity, type OwnerStamp, reserveMemory } from "../../platform/index.ts";
import {
  attachDisks,
  giveUpRun,
  powerOn as beginRun,
  type VmEntity,
  type VmRecord,
} from "../../vmm/index.ts";
import { finishBackup } from "../backup/finish-backup.ts";
import { type BackupIntent, backupIntentFile } from "../backup/manifest.ts";
import { finishClone } from "../clone/clone-running.ts";
import type { PointIntent } from "../clone/point-intent.ts";
import { askArray, type FileValue, readFile, readFileIfAny } from "../chain/array-requests.ts";
import {
  configurationFile,
  type DiskDescriptor,
  type DiskIntent,
  intentFile,
  readDescriptor,
  type VmConfiguration,
} from "../chain/descriptor.ts";
import { type ChangesFile, changesFile, goOnTracking } from "../chain/change-tracker.ts";
import { fenceFile } from "../chain/surely-write.ts";
import { openDevice, type VolumeAccess } from "../chain/open-device.ts";
import {
  noteOpen,
  ownDisks,
  type OwnDisksParams,
  ownsAll,
  stampFor,
} from "../handoff/own-disks.ts";
import type { OwnershipRules } from "../handoff/keeper-state.ts";
import { awaitFormerRun } from "./former-run.ts";
import { mountVolume } from "../network/network-volume.ts";
import { type LocalDisk, notePlaces, openLocal } from "../local/local-disk.ts";
import { RECOVERIES, resumption } from "./recovery.ts";
import { opened, pushLayer } from "../chain/change-layers.ts";
import { virtualDisk } from "../chain/virtual-disk.ts";
import type { VirtualDiskConfig, VirtualDiskEntity } from "../chain/virtual-disk-state.ts";

export type PowerOnDisk = {
  readonly disk: string;
  readonly access: VolumeAccess;
  /** The guest reaches it over its own network; the host has no part in it. */
  readonly mountedBy?: "guest";
};

export type PowerOnParams = {
  readonly vm: string;
  /** The VM's record. */
  readonly record: EntityId;
  readonly array: EntityId;
  /** Disks on the array. */
  readonly disks: readonly PowerOnDisk[];
  /** Flat disks on devices of the host itself. */
  readonly local: readonly LocalDisk[];
  /** Media of the host to which local disks may move: nothing lies on them. Absent: none moves. */
  readonly media?: readonly { readonly device: EntityId; readonly sectors: number }[];
  /** All of them, in the order of the VM's specification. */
  readonly order: readonly string[];
  /** Memory that the VM reserves on its host. */
  readonly memoryMiB: number;
  /** The host's processor. */
  readonly cpu: EntityId;
  /** How ownership of disks is kept on the array; absent: whoever opens a disk uses it. */
  readonly ownership?: OwnershipRules;
  /** Of the disks that have an owner, where whoever performs this has taken them and holds them. */
  readonly epochs?: readonly number[];
  /** Also when the VM is not known to have ended, if its disks have owners and can be had. */
  readonly takeOver?: boolean;
  /** Entity of this host that guards what the run puts out. */
  readonly guard?: EntityId;
  /** Number of the run that all is ready for; absent: of whichever comes next. */
  readonly run?: number;
  /** A run that goes on here, decided by vote against its former host: it only gets its disks. */
  readonly instance?: EntityId;
  /** False: that run moves here, and its former host gives the disks up. */
  readonly seizes?: boolean;
};

type PowerOnState = {
  /** Right to each disk that has an owner, as of when it was taken. */
  stamps: { [disk: string]: OwnerStamp };
  configuration: VmConfiguration | null;
  /** Chain of each disk, top first, while descriptors are read; base first when complete. */
  chains: { name: string; descriptor: DiskDescriptor }[][];
  /** Intent of an operation that goes on when the VM runs. */
  unfinished: DiskIntent | null;
  /** Intent of a backup, or of a clone of the running VM, that was cut short. */
  backup: BackupIntent | PointIntent | null;
  /** What the files of changes say, by disk; null: nothing that counts. Absent: nothing is tracked. */
  changes?: { [disk: string]: FileValue | null };
};

type Op = Operation<PowerOnParams & PlainObject, PowerOnState & PlainObject>;

export const powerOn = operation<PowerOnParams & PlainObject, PowerOnState & PlainObject>(
  "power-on",
  {
    /** Nobody else uses the disks from here on; recovery is this host's as well. */
    own(host, op) {
      const { vm, record, instance } = op.params;
      const isMove = instance !== undefined;
      const { power } = (host.world.entity(record) as unknown as VmRecord).durable;
      const seize = isMove && op.params.seizes !== false;
      const owning = owningOf(op.params, op.entity.id);
      if (power === "on" && !isMove && !takesOver(op.params)) return fail("already-on", vm);
      const { domain } = host;
      const away = op.params.local.find((each) => host.world.entity(each.device).domain !== domain);
      if (away !== undefined) return fail("local-disk", away.disk);
      const former = isMove ? undefined : awaitFormerRun(host, op, "own");
      if (former !== undefined) return former;
      const { epochs } = op.params;
      if (epochs !== undefined) return noteStamps(host, op, epochs);
      if (owning === undefined) return go("begin");
      return perform(ownDisks, { ...owning, seize }, "owned");
    },

    owned: (host, op, { epochs }: { epochs: readonly number[] }) => noteStamps(host, op, epochs),

    begin: (_host, op) =>
      op.params.disks.length === 0
        ? go("readAllocation")
        : readFile(op.params.array, configurationFile(op.params.vm), "recover"),

    recover(_host, op, file: FileValue) {
      op.edit().configuration = file.value as never;
      return readFileIfAny(op.params.array, intentFile(op.params.vm), "settle");
    },

    /** The recovery may change the configuration, so that is read again afterwards. */
    settle(_host, op, file: FileValue | null) {
      if (file === null || op.state.unfinished !== null) {
        return readFileIfAny(op.params.array, backupIntentFile(op.params.vm), "noteBackup");
      }
      const { vm, array } = op.params;
      const intent = file.value as DiskIntent;
      const configuration = op.state.configuration!;
      const params = { vm, array, intent, configuration };
      return perform(RECOVERIES[intent.kind], params as unknown as PlainObject, "settled");
    },

    settled(_host, op, { resume = false }: { readonly resume?: boolean }) {
      if (!resume) return go("begin");
      return readFile(op.params.array, intentFile(op.params.vm), "noteUnfinished");
    },

    noteUnfinished(_host, op, file: FileValue) {
      op.edit().unfinished = file.value as never;
      return go("begin");
    },

    noteBackup(_host, op, file: FileValue | null) {
      op.edit().backup = (file?.value ?? null) as never;
      return go("readChains");
    },

    readChains(_host, op) {
      const { running } = op.state.configuration!;
      op.edit().chains = op.params.disks.map(() => []);
      return together(
        op.params.disks.map(({ disk }) => readFile(op.params.array, running[disk]!, "")),
        "followChains",
      );
    },

    /** Each descriptor names its parent; the walk goes on until every chain has its base. */
    followChains(_host, op, files: readonly (FileValue | null)[]) {
      const { running } = op.state.configuration!;
      const state = op.edit();
      for (const [i, file] of files.entries()) {
        if (file === null) continue;
        const chain = state.chains[i]!;
        const name = nextOf(chain) ?? running[op.params.disks[i]!.disk]!;
        const read = readDescriptor(file.value);
        if (!read.ok) return fail(read.code, { descriptor: name, message: read.message });
        if (chain.some((layer) => layer.name === name)) return fail("cyclic-chain", name);
        chain.push({ name, descriptor: read.descriptor as never });
      }
      const broken = op.state.chains.findIndex((chain) => !isConnected(chain));
      if (broken >= 0) return fail("content-id-mismatch", op.params.disks[broken]!.disk);
      const parents = op.state.chains.map(nextOf);
      if (parents.every((parent) => parent === null)) return go(nextAfterChains(op));
      const asks = parents.map((parent) =>
        parent === null
          ? readFileIfAny(op.params.array, "", "")
          : readFile(op.params.array, parent, ""),
      );
      return together(asks, "followChains");
    },

    /** Of the tracking that the configuration names: from here on no lost host can change it. */
    fenceChanges(_host, op) {
      const { vm, array, disks } = op.params;
      const next = disks[Object.keys(op.state.changes ?? {}).length];
      if (next === undefined) return go("readAllocation");
      const name = changesFile(vm, next.disk);
      return perform(fenceFile, { array, name }, "noteChanges", "noChanges");
    },

    noteChanges(_host, op, file: { value: ChangesFile; version: number }) {
      return noteChanges(
        op,
        file.value.tracking === op.state.configuration!.tracking ? file : null,
      );
    },

    noChanges: (_host, op) => noteChanges(op, null),

    /** A redo log answers for what was written to it: the array knows which sectors that is. */
    readAllocation(_host, op) {
      const asks = op.state.chains.flatMap((chain) =>
        chain.map(({ descriptor }) =>
          askArray(op.params.array, "allocated-ranges", { name: descriptor.volume }, ""),
        ),
      );
      return together(asks, "start");
    },

    start(host, op, allocations: readonly { ranges: readonly SectorRange[] }[]) {
      if (!ownsAll(host, Object.values(op.state.stamps))) return fail("disk-lost", op.params.vm);
      const run = op.params.instance === undefined ? newRun(host, op) : continuedRun(host, op);
      if ("step" in run) return run;
      const { vm } = op.params;
      const creator = run as unknown as Entity;
      const opened = new Map<string, EntityId>();
      let next = 0;
      op.params.disks.forEach((each, i) => {
        const { disk } = each;
        const chain = op.state.chains[i]!;
        const held = allocations.slice(next, (next += chain.length)).map(({ ranges }) => ranges);
        const stamp = op.state.stamps[disk];
        const config = { vm, disk, ...(stamp !== undefined && { stamp }) };
        const entity = openChain(run, config, each, chain, held);
        const changes = op.state.changes?.[disk] ?? null;
        if (changes !== null) {
          goOnTracking(entity, op.params.array, changes.value as never, changes.version);
        }
        noteOpen(host, entity, run);
        opened.set(disk, entity.id);
      });
      for (const local of op.params.local) opened.set(local.disk, openLocal(creator, vm, local).id);
      const disks = op.params.order.map((disk) => opened.get(disk)!);
      attachDisks(run, disks);
      notePlaces(run, op.params.local);
      goOn(host, op, run.id, opened);
      return done({ run: run.name, layers: allocations.length });
    },
  },
  () => ({ stamps: {}, configuration: null, chains: [], unfinished: null, backup: null }),
);

const nextAfterChains = (op: Op): string =>
  op.state.configuration!.tracking === undefined ? "readAllocation" : "fenceChanges";

function noteChanges(op: Op, file: { value: ChangesFile; version: number } | null): Step {
  const state = op.edit();
  const { disk } = op.params.disks[Object.keys(state.changes ?? {}).length]!;
  state.changes = { ...state.changes, [disk]: file as never };
  return go("fenceChanges");
}

/** Memory of a run that goes on was reserved when its host made ready for it. */
function newRun(host: Entity, op: Op): VmEntity | Step {
  const { world, domain } = host;
  const { vm, record: id, cpu, memoryMiB, guard = -1, run } = op.params;
  const record = world.entity(id) as unknown as VmRecord;
  // Another start has come between, or has the vote.
  if (run !== undefined && run !== record.durable.run + 1) return fail("vm-starting", vm);
  if (guard >= 0 && world.entityOrNone(guard) === undefined) return fail("vm-starting", vm);
  if (takesOver(op.params)) giveUpRun(record);
  if (!reserveMemory(host as unknown as HostEntity, vm, memoryMiB)) {
    return fail("no-memory", memoryMiB);
  }
  return beginRun(record, { domain, cpu, guard }) ?? fail("already-on", vm);
}

function continuedRun(host: Entity, op: Op): VmEntity | Step {
  const run = host.world.entityOrNone(op.params.instance!);
  return run === undefined ? fail("vm-off") : (run as unknown as VmEntity);
}

type Chain = Op["state"]["chains"][number];

/** Descriptor that a chain, top first, goes on with; null once what it ends in answers for all. */
function nextOf(chain: Chain): string | null {
  const last = chain.at(-1)?.descriptor;
  return last?.kind === "redo" ? last.parent : null;
}

function isConnected(chain: Chain): boolean {
  return chain.every(({ descriptor }, i) => {
    const child = chain[i - 1]?.descriptor;
    return child === undefined || child.parentCid === descriptor.cid;
  });
}

/** Starts what a recovery left to be done once the VM runs. */
function goOn(host: Entity, op: Op, instance: EntityId, opened: ReadonlyMap<string, EntityId>) {
  const { unfinished, backup } = op.state;
  const { vm, array } = op.params;
  const disks = op.params.disks.map((each) => ({ ...each, entity: opened.get(each.disk)! }));
  if (backup !== null) {
    const params = { vm, instance, array, disks, intent: backup };
    const id = `${backup.operation}.finish`;
    const finish = backup.kind === "backup" ? finishBackup : finishClone;
    startOperation(host.world, finish, host, id, params as unknown as PlainObject);
  }
  const kind = unfinished === null ? undefined : resumption(unfinished);
  if (unfinished === null || kind === undefined) return;
  const { pointInTime } = unfinished as { pointInTime?: string };
  const params = { vm, instance, array, disks, pointInTime, resume: unfinished };
  resumeOperation(host.world, kind, host, unfinished.operation, params as unknown as PlainObject);
}

/** Base first; `held` is in the order of the chain, top first. */
function openChain(
  run: VmEntity,
  identity: Pick<VirtualDiskConfig, "vm" | "disk" | "stamp">,
  { access, mountedBy }: PowerOnDisk,
  chain: Chain,
  held: readonly (readonly SectorRange[])[],
): VirtualDiskEntity {
  const { sectors, grainSectors } = chain[0]!.descriptor;
  const config = { ...identity, sectors, grainSectors };
  const disk = (run as unknown as Entity).spawn(virtualDisk, config, identity.disk);
  for (let i = chain.length - 1; i >= 0; i--) {
    const { name, descriptor } = chain[i]!;
    const { volume } = descriptor;
    const kind = descriptor.kind === "redo" ? "redo" : "flat";
    const device =
      mountedBy === "guest"
        ? mounted(run, disk, access, volume)
        : openDevice(disk as unknown as Entity, access, volume, sectors);
    pushLayer(disk, { descriptor: name, volume, kind, device }, held[i]!);
  }
  opened(disk);
  return disk;
}

function noteStamps(host: Entity, op: Op, epochs: readonly number[]): Step {
  const { vm, disks, ownership } = op.params;
  const { stamps } = op.edit();
  disks.filter(isOwned).forEach(({ disk }, i) => {
    stamps[disk] = stampFor(host, vm, disk, epochs[i]!, ownership!);
  });
  return go("begin");
}

/** Where no disk has an owner nothing tells whether it runs but what is known of it. */
export const takesOver = (opening: PowerOnParams): boolean =>
  opening.takeOver === true && ownedDisks(opening).length > 0;

/** How the VM's disks are taken; undefined when none of them has an owner. */
export function owningOf(opening: PowerOnParams, holder: EntityId): OwnDisksParams | undefined {
  const { vm, array, ownership } = opening;
  const disks = ownedDisks(opening);
  if (disks.length === 0) return undefined;
  return { vm, array, disks, rules: ownership!, holder, seize: false };
}

const ownedDisks = ({ disks, ownership }: PowerOnParams): readonly string[] =>
  ownership === undefined ? [] : disks.filter(isOwned).map(({ disk }) => disk);

const isOwned = ({ mountedBy }: PowerOnDisk): boolean => mountedBy !== "guest";

function mounted(
  run: VmEntity,
  disk: VirtualDiskEntity,
  { array, paths }: VolumeAccess,
  volume: string,
): EntityId {
  const { vm, disk: id } = disk.config;
  return mountVolume(disk as unknown as Entity, run, { array, volume, paths, name: `${vm}/${id}` });
}
