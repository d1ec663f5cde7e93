/**
 * Answers for the disks that a host owns: says that the host is alive, gives disks up that nobody on
 * it uses, lets others have those that are to go on elsewhere, and ends a VM whose disk is somebody
 * else's by now.
 *
 * Must hold: whatever the keeper believes, the array decides by the ownership file alone; a keeper
 * that was out of touch looks it up before it says again that all is well.
 */
import {
  component,
  type Editable,
  type Entity,
  type EntityId,
  type PlainObject,
  abandonOperations,
  type Reply,
  type Request,
  startOperation,
} from "../../kernel/index.ts";
import { type DiskOwnership, type HostEntity, keeperName } from "../../platform/index.ts";
import { loseDisks, type VmEntity } from "../../vmm/index.ts";
import { ARRAY_TIMEOUT_NS } from "../chain/array-requests.ts";
import { spawnFilters } from "./io-filter.ts";
import {
  type Beating,
  editDisk,
  forgetDisk,
  heartbeatFile,
  type KeeperConfig,
  type KeeperEntity,
  type KeeperState,
  type KeptDisk,
  type OwnershipRules,
  type ReleaseAsk,
} from "./keeper-state.ts";
import { ownDelayNs } from "./own-clock.ts";
import { releaseDisk } from "./release-disk.ts";

const FILTERS = 2;

export const keeper = component<KeeperConfig, Record<string, never>, KeeperState>({
  kind: "disk-keeper",
  volatile: () => ({ disks: {}, beating: {} }),
  handlers: {
    /** An operation of this host is about to take disks on an array. */
    join: (self, request: Request<{ array: EntityId; rules: OwnershipRules }>) => {
      join(self, request.body.array, request.body.rules);
      self.reply(request, {});
    },
    beat: (self, array: EntityId) => beat(self, array),
    beaten: (self, reply: Reply) => beaten(self, reply),
    "looked-up": (self, reply: Reply) => lookedUp(self, reply),
    dropped: (self, reply: Reply) => dropped(self, reply),
    release: (self, request: ReleaseAsk) => release(self, request),
    /** The VM goes on elsewhere; its disks may be asked for from now on. */
    yield: (self, request: Request<{ files: readonly string[]; yielding: boolean }>) => {
      const { files, yielding } = request.body;
      for (const file of files) {
        if (self.volatile.disks[file] !== undefined) editDisk(self, file).yielding = yielding;
      }
      self.reply(request, {});
    },
    fenced: (self, { body }: Request<{ file: string; epoch: number }>) =>
      fenced(self, body.file, body.epoch),
  },
});

/** The keeper of a host and its filters. Part of building. */
export function spawnKeeper(host: HostEntity): KeeperEntity {
  const creator = host as unknown as Entity;
  const name = keeperName(host.name);
  const entity = host.world.spawn(keeper, { host: host.id }, { creator, name });
  spawnFilters(creator, entity.id, FILTERS);
  return entity;
}

/** Filters of the host, as an ownership file names them. */
export function filtersOf(self: KeeperEntity): readonly EntityId[] {
  const host = self.world.entity(self.config.host).name;
  return Array.from(
    { length: FILTERS },
    (_, index) => self.world.named(`${host}/filter-${index + 1}`).id,
  );
}

export function keeperOf(host: Entity): KeeperEntity {
  return host.world.named(keeperName(host.name)) as unknown as KeeperEntity;
}

const hostName = (self: KeeperEntity): string => self.world.entity(self.config.host).name;

function editBeating(self: KeeperEntity, array: EntityId): Editable<Beating> {
  return (self.edit().beating as { [array: string]: Editable<Beating> })[array]!;
}

/** Heartbeats go on while anything of the array is kept. */
function join(self: KeeperEntity, array: EntityId, rules: OwnershipRules): void {
  if (self.volatile.beating[array] !== undefined) return;
  const beating: Beating = { rules, beats: 0, missed: false };
  (self.edit().beating as { [array: string]: Beating })[array] = beating;
  beat(self, array);
}

function beat(self: KeeperEntity, array: EntityId): void {
  const beating = self.volatile.beating[array];
  if (beating === undefined) return;
  dropUnused(self, array);
  const kept = Object.values(self.volatile.disks).some((disk) => disk.array === array);
  if (!kept && beating.beats > 0) {
    delete (self.edit().beating as { [array: string]: Beating })[array];
    return;
  }
  const state = editBeating(self, array);
  state.beats++;
  const value = { beat: state.beats, boot: self.world.incarnationOf(self.domain) };
  const timeoutNs = beating.rules.heartbeatNs;
  const body = { name: heartbeatFile(hostName(self)), value };
  self.ask(array, "file-write", body, { then: "beaten", tag: array, timeoutNs });
  const host = self.world.entity(self.config.host) as unknown as HostEntity;
  self.after(ownDelayNs(host, beating.rules.heartbeatNs), "beat", array);
}

/** After a silence others may have taken what was ours. */
function beaten(self: KeeperEntity, reply: Reply): void {
  const array = reply.tag as EntityId;
  const beating = self.volatile.beating[array];
  if (beating === undefined) return;
  if (!reply.ok) return void (editBeating(self, array).missed = true);
  if (!beating.missed) return;
  editBeating(self, array).missed = false;
  for (const [file, disk] of Object.entries(self.volatile.disks)) {
    if (disk.array !== array || disk.stage === "taking") continue;
    self.ask(
      array,
      "file-read",
      { name: file },
      {
        then: "looked-up",
        tag: file,
        timeoutNs: ARRAY_TIMEOUT_NS,
      },
    );
  }
}

function lookedUp(self: KeeperEntity, reply: Reply): void {
  const file = reply.tag as string;
  const disk = self.volatile.disks[file];
  if (disk === undefined || !reply.ok) return;
  const { owner, epoch } = (reply.value as { value: DiskOwnership }).value;
  if (owner !== hostName(self) || epoch !== disk.epoch) fenced(self, file, disk.epoch);
}

/** What nobody on this host has open any more is given up, so that others need not ask. */
function dropUnused(self: KeeperEntity, array: EntityId): void {
  for (const [file, disk] of Object.entries(self.volatile.disks)) {
    if (disk.array !== array || self.world.entityOrNone(disk.holder) !== undefined) continue;
    if (disk.stage === "closing") continue;
    // Taken by an operation that failed: whether it is ours is in the file, if anybody asks.
    if (disk.stage === "taking") forgetDisk(self, file);
    else drop(self, file, disk);
  }
}

function drop(self: KeeperEntity, file: string, kept: KeptDisk): void {
  const { array, epoch, version, vm, former } = kept;
  editDisk(self, file).stage = "closing";
  const value: DiskOwnership = { vm, owner: null, epoch, request: "", former, filters: [] };
  const body = { name: file, value, ifVersion: version };
  const tag = { file, epoch };
  self.ask(array, "file-write", body, { then: "dropped", tag, timeoutNs: ARRAY_TIMEOUT_NS });
}

/** Given up, or somebody else's already; without an answer it is tried again. */
function dropped(self: KeeperEntity, reply: Reply): void {
  const { file, epoch } = reply.tag as { file: string; epoch: number };
  if (self.volatile.disks[file]?.epoch !== epoch) return;
  if (reply.ok || reply.code !== "timeout") return forgetDisk(self, file);
  if (self.volatile.disks[file].stage === "closing") editDisk(self, file).stage = "open";
}

/** A filter passes on that somebody wants the disk; one that is powered on is refused. */
function release(self: KeeperEntity, request: ReleaseAsk): void {
  const { file, request: id } = request.body;
  const disk = self.volatile.disks[file];
  if (disk?.stage === "closing") return self.refuse(request, "closing");
  const isUsed = disk !== undefined && self.world.entityOrNone(disk.holder) !== undefined;
  if (isUsed && !(disk.stage === "open" && disk.yielding)) {
    return self.refuse(request, "busy", disk.stage);
  }
  if (disk !== undefined) editDisk(self, file).stage = "closing";
  const host = self.world.entity(self.config.host);
  const params = { ...request.body, asked: request, keeper: self.id, holder: disk?.holder ?? -1 };
  startOperation(self.world, releaseDisk, host, `${id}.release`, params as unknown as PlainObject);
}

/** The disk is somebody else's: the VM that had it cannot go on here. */
function fenced(self: KeeperEntity, file: string, epoch: number): void {
  const disk = self.volatile.disks[file];
  if (disk === undefined || disk.epoch !== epoch) return;
  forgetDisk(self, file);
  self.notice("fenced", { vm: disk.vm, host: hostName(self), file, epoch });
  const vm = self.world.entityOrNone(disk.instance) as unknown as VmEntity | undefined;
  if (vm !== undefined) loseDisks(vm);
  abandonOperations(self.world, self.domain, disk.vm);
}
