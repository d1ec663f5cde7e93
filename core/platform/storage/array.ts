/**
 * A storage array: volumes and small metadata files behind one queue, in a failure domain of its
 * own. A protected write cache survives power loss: a write is then durable when acknowledged.
 *
 * Handlers: "volume-io" (see array-sessions.ts), the verbs below, "arm-fault" (see faults.ts).
 * Contents: `volume:NAME`, what is durable. Each verb takes one write's service time.
 */
import {
  assert,
  component,
  type DomainId,
  type Plain,
  type Request,
  type SectorContent,
  SECTOR_BYTES,
  type World,
} from "../../kernel/index.ts";
import { admit, isCurrent, noteEnded, noteQueued, type VolumeIo } from "./array-sessions.ts";
import {
  type ArrayConfig,
  type ArrayDurable,
  type ArrayEntity,
  type ArrayVolatile,
  device,
  volumeLabel,
} from "./array-state.ts";
import { mergeBlocks } from "./block-merge.ts";
import { answer, type BlockOutcome, isInRange, refused } from "./block.ts";
import {
  activeOf,
  type Behaviour,
  currentContent,
  type DeviceEntity,
  type DeviceOp,
  initialDurable,
  initialVolatile,
  tell,
} from "./device-state.ts";
import { served, submit } from "./device.ts";
import { type MediumOptions, prepareMedium } from "./disk.ts";
import { type ArmFault, armFault } from "./faults.ts";
import { deleteFile, listFiles, readFile, scanFiles, writeFile } from "./metadata-files.ts";
import { fromFormerOwner, notOwner, tellOwnedIo, tellOwnership } from "./ownership.ts";
import { reserveSpace } from "./space-reservation.ts";
import {
  allocatedRanges,
  claimVolume,
  countGrains,
  createVolume,
  deleteVolume,
  listVolumes,
  recountSpace,
  releaseSectors,
  reserveSectors,
  resizeVolume,
  type DeleteVolume,
} from "./volumes.ts";
import { copyFirst, keepBeforePowerLoss, mayOverwrite } from "./vvols/keep.ts";
import { readShared } from "./vvols/clone-base.ts";
import {
  isBase,
  isClone,
  isSnapshot,
  isSnapshotLabel,
  keptGrains,
  readSnapshot,
  snapshotLabel,
  snapshotProblem,
} from "./vvols/snapshot-reads.ts";
import { wholeVvol } from "./vvols/vvol-content.ts";
import { vvolsOf } from "./vvols/vvol-state.ts";
import { VASA_VERBS } from "./vvols/vvols.ts";
import { RESTARTED, withRun } from "./unflushed.ts";
import { destage, losePower } from "./write-cache.ts";

export type ArrayOptions = MediumOptions & {
  readonly capacityBytes: number;
  /** Unit in which space is taken. Default: 64 KiB. */
  readonly grainBytes?: number;
  /** The write cache survives a power loss. */
  readonly cacheProtected: boolean;
};

const GRAIN_BYTES = 65_536;
/** Requests between two audits of the space. */
const AUDIT_EVERY = 256;

/** What can be asked of an array beside block requests, and what does it. */
const VERBS: { readonly [verb: string]: (self: ArrayEntity, body: never) => BlockOutcome } = {
  "create-volume": createVolume,
  "delete-volume": (self, body: DeleteVolume) =>
    isBase(self, body.name) ? refused("in-use", body.name) : deleteVolume(self, body),
  "resize-volume": resizeVolume,
  "claim-volume": claimVolume,
  "merge-blocks": mergeBlocks,
  "reserve-space": reserveSpace,
  "list-volumes": listVolumes,
  "allocated-ranges": allocatedRanges,
  "file-read": readFile,
  "file-write": writeFile,
  "file-delete": deleteFile,
  "file-list": listFiles,
  "file-scan": scanFiles,
  ...VASA_VERBS,
};

const volumesOf = (self: DeviceEntity): ArrayEntity => self as unknown as ArrayEntity;

const labels = (self: ArrayEntity): string[] => Object.keys(self.durable.volumes).sort();

const VOLUMES: Behaviour = {
  media: (self) => labels(volumesOf(self)),
  reserve: (self, medium, sector, sectors) =>
    reserveSectors(volumesOf(self), medium, sector, sectors),
  release: (self, medium, sector, sectors) =>
    releaseSectors(volumesOf(self), medium, sector, sectors),
  overwriting: (self, medium, range) => mayOverwrite(volumesOf(self), medium, range),
  derived: (self, medium, range) =>
    readSnapshot(volumesOf(self), medium, range) ?? readShared(volumesOf(self), medium, range),
  perform: (self, { verb, body }) => VERBS[verb]!(volumesOf(self), body as never),
  recheck: (self, op) => recheck(volumesOf(self), op),
  ended: (self, op, outcome) => {
    if (op.id % AUDIT_EVERY === 0) auditSpace(volumesOf(self));
    if (op.sender !== "") noteEnded(volumesOf(self), op, outcome);
    if (outcome.ok) tellOwners(volumesOf(self), op);
    return op.io.op === "verb" ? outcome : told(volumesOf(self), outcome);
  },
};

/** For observers: the space that is kept count of beside that which is written. */
function auditSpace(self: ArrayEntity): void {
  tell(device(self), "space-audit", () => {
    const written = labels(self).reduce((sum, label) => sum + countGrains(self, label), 0);
    const counted = written + keptGrains(self);
    return { counted, kept: self.durable.usedGrains };
  });
}

/** For observers: what was done in whose name, and who owns what. */
function tellOwners(self: ArrayEntity, { io, stamp }: DeviceOp): void {
  if (stamp !== null) tellOwnedIo(self, stamp, io.op);
  else if (io.op === "verb" && io.verb === "file-write") tellOwnership(self, io.body);
}

/** An array that may forget says which run of it this was; see unflushed.ts. */
function told(self: ArrayEntity, outcome: BlockOutcome): BlockOutcome {
  if (self.config.cacheSectors === 0) return outcome;
  return withRun(outcome, self.world.incarnationOf(self.domain));
}

/** The domain from which a request came; nothing when who sent it is gone. */
function hostOf(self: ArrayEntity, from: number): string {
  const { world } = self;
  const sender = world.entityOrNone(from);
  return sender === undefined ? "" : world.registry.domain(sender.domain).name;
}

/** The volume may have been deleted, shrunk or claimed while the request waited. */
function recheck(self: ArrayEntity, op: DeviceOp): BlockOutcome | undefined {
  if (op.io.op === "verb") return fromFormerOwner(self, op.io, hostOf(self, op.request.from));
  if (isSnapshotLabel(op.medium)) return snapshotProblem(self, op.medium, op.io);
  const volume = self.durable.volumes[op.medium];
  if (volume === undefined || !isCurrent(self, op)) return refused("gone");
  if (volume.owner !== null && volume.owner !== op.owner) return refused("gone");
  const fenced = notOwner(self, op.stamp);
  if (fenced !== undefined) return fenced;
  return isInRange(op.io, volume.sectors) ? undefined : refused("out-of-range");
}

function takeIo(self: ArrayEntity, request: Request<VolumeIo>): void {
  const { body } = request;
  const run = self.world.incarnationOf(self.domain);
  if (body.run !== undefined && body.run !== run) {
    return answer(self, request, refused(RESTARTED, { run }));
  }
  const admission = admit(self, body, request);
  if (admission.do === "nothing") return;
  if (admission.do === "answer") return answer(self, request, told(self, admission.outcome));
  if (isSnapshot(self, body.volume)) return takeSnapshotIo(self, request);
  const medium = volumeLabel(body.volume);
  const volume = self.durable.volumes[medium];
  if (volume === undefined || (volume.owner !== null && volume.owner !== body.owner)) {
    return answer(self, request, refused("gone", body.volume));
  }
  const fenced = notOwner(self, body.stamp);
  if (fenced !== undefined) return answer(self, request, fenced);
  if (!isInRange(body.request, volume.sectors)) {
    return answer(self, request, refused("out-of-range"));
  }
  noteQueued(self, body, self.volatile.nextOp);
  submit(device(self), medium, body.request, request, body);
}

function takeSnapshotIo(self: ArrayEntity, request: Request<VolumeIo>): void {
  const { body } = request;
  const medium = snapshotLabel(body.volume);
  const problem = snapshotProblem(self, medium, body.request);
  if (problem !== undefined) return answer(self, request, problem);
  noteQueued(self, body, self.volatile.nextOp);
  submit(device(self), medium, body.request, request, body);
}

function takeVerb(verb: string): (self: ArrayEntity, request: Request) => void {
  return (self, request) =>
    submit(device(self), "", { op: "verb", verb, body: request.body }, request);
}

/** A first touch since a snapshot: the old content is copied, and only then the write is served. */
function finishServing(self: ArrayEntity, id: number): void {
  const { io, medium } = activeOf(self.volatile.active, id)!;
  const changes = io.op === "write" || io.op === "discard";
  const copyNs = changes ? copyFirst(self, medium, io) : 0;
  if (copyNs > 0) self.after(copyNs, "served", id);
  else served(device(self), VOLUMES, id);
}

const verbHandlers = Object.fromEntries(Object.keys(VERBS).map((verb) => [verb, takeVerb(verb)]));

export const array = component<ArrayConfig, ArrayDurable, ArrayVolatile>({
  kind: "array",
  durable: () => ({ ...initialDurable(), volumes: {}, usedGrains: 0, files: {} }),
  volatile: () => ({ ...initialVolatile(), sessions: {} }),
  handlers: {
    ...verbHandlers,
    "volume-io": takeIo,
    served: (self, id: number) => finishServing(self, id),
    destage: (self) => destage(device(self)),
    "arm-fault": (self, request: Request<ArmFault>) => armFault(device(self), VOLUMES, request),
  },
  crashed: (self) => {
    keepBeforePowerLoss(self);
    losePower(device(self), labels(self), (op) => recheck(self, op) === undefined);
    recountSpace(self);
  },
});

/** An array in a domain of its own. */
export function spawnArray(
  world: World,
  options: ArrayOptions & { readonly name: string; readonly domain: DomainId },
): ArrayEntity {
  const { name, domain, capacityBytes, cacheProtected, grainBytes = GRAIN_BYTES } = options;
  assert(grainBytes > 0 && grainBytes % SECTOR_BYTES === 0, () => `grain of ${grainBytes} bytes`);
  const cacheBytes = cacheProtected ? 0 : options.cacheBytes;
  const config: ArrayConfig = {
    ...prepareMedium({ ...options, cacheBytes }),
    capacitySectors: Math.floor(capacityBytes / SECTOR_BYTES),
    grainSectors: grainBytes / SECTOR_BYTES,
  };
  return world.spawn(array, config, { domain, name });
}

/** Makes a volume at once, at build or by code of the array's own domain. */
export function addVolume(self: ArrayEntity, name: string, sectors: number): void {
  const outcome = createVolume(self, { name, sectors });
  assert(outcome.ok, () => `${self.name} has volume ${name} already`);
}

/** All arrays of a world. */
export function* arraysOf(world: World): Generator<ArrayEntity> {
  for (const entity of world.entities()) {
    if (entity.kind === "array") yield entity as unknown as ArrayEntity;
  }
}

/** Whether there is a volume or snapshot of this name. */
export const hasVolume = (self: ArrayEntity, name: string): boolean =>
  isSnapshot(self, name) ||
  isClone(self, name) ||
  self.durable.volumes[volumeLabel(name)] !== undefined;

/** Whether what is read of it lies in several contents. */
export const isDerived = (self: ArrayEntity, name: string): boolean =>
  isSnapshot(self, name) || isClone(self, name);

/** What reads of a volume or snapshot see now; undefined when there is none. Not to be changed. */
export function volumeContent(self: ArrayEntity, name: string): SectorContent | undefined {
  if (isDerived(self, name)) return wholeVvol(vvolsOf(self)!, name);
  if (self.durable.volumes[volumeLabel(name)] === undefined) return undefined;
  return currentContent(device(self), volumeLabel(name));
}

/** Makes a metadata file at once, at build. */
export function putFile(self: ArrayEntity, name: string, value: Plain): void {
  const outcome = writeFile(self, { name, value, ifVersion: 0 });
  assert(outcome.ok, () => `${self.name} has file ${name} already`);
}
