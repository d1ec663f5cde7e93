/**
 * A lazy restore whose machine is moved: absent pages do not travel, but where they are does. At the
 * destination an entity like this one goes on with the same files, over that host's own paths.
 *
 * While pages are copied nothing is read here that nobody waits for: it would be read and sent. From the
 * standstill on nothing is placed, so that what is absent is the same for both hosts.
 *
 * Must hold: until the machine is given away this can be undone; each absent page has one host that
 * brings it, and the file it comes from is the same for both.
 */
import {
  type Entity,
  type EntityId,
  type Plain,
  type PlainObject,
  type Request,
  startOperation,
} from "../../kernel/index.ts";
import { type InitiatorEntity, spawnInitiator } from "../../platform/index.ts";
import { absentPages, clientOf, memoryOf, type VmEntity } from "../../vmm/index.ts";
import { memoryBeside } from "../beside.ts";
import { continueRestore } from "./continue-restore.ts";
import { endSharing } from "./deferred.ts";
import { askFor, end, fail, readOn, storageOfPage } from "./load.ts";
import {
  askedFor,
  noteSources,
  RESTORE_CLIENT,
  type RestoredFile,
  type Restorer,
  unitsOf,
} from "./restorer-state.ts";

/** What the handler `machine-moves` is told. */
export type MachineMoves = { readonly stage: "begun" | "standing" | "stays" | "left" };

/** Notice when a restore goes on at another host; data is {vm, checkpoint, pages}. */
export const CONTINUES_NOTICE = "restore-continues";

/** Who brings pages of a machine that runs, and can do so from another host. */
export function movableRestore(vm: VmEntity) {
  const { stage, goesOnFrom } = vm.volatile;
  const client = clientOf(memoryOf(vm), RESTORE_CLIENT);
  const owner = vm.world.entityOrNone(client?.owner ?? -1) as unknown as Restorer | undefined;
  if (owner === undefined || stage !== "running" || (goesOnFrom ?? null) !== null) return undefined;
  if (owner.volatile.stage !== "loading" || owner.volatile.atReady !== null) return undefined;
  const files = filesOf(owner);
  const isAtHand = files.every(({ array }) => array >= 0);
  return isAtHand
    ? { owner: owner.id, arrays: [...new Set(files.map(({ array }) => array))] }
    : undefined;
}

/** The file that is restored, and those that it stands on. */
function filesOf({ world, volatile }: Restorer): RestoredFile[] {
  const devices = new Set([volatile.device]);
  for (const { below } of volatile.storage) if (below !== undefined) devices.add(below.device);
  return [...devices].map((device) => {
    const entity = world.entityOrNone(device) as unknown as InitiatorEntity | undefined;
    return { device, array: entity?.config.array ?? -1, volume: entity?.config.volume ?? "" };
  });
}

/** So much the references take on the wire: storage blocks that are needed, and their files. */
export function referenceBytes({ world }: Entity, owner: EntityId): number {
  const entity = world.entityOrNone(owner) as unknown as Restorer | undefined;
  const storage = entity?.volatile.storage ?? [];
  return storage.reduce((sum, { blocks }) => sum + 24 + 4 * blocks.length, 0);
}

export function onMachineMoves(self: Restorer, { stage }: MachineMoves): void {
  if (self.volatile.stage !== "loading") return;
  const memory = memoryBeside(self);
  const state = self.edit();
  if (stage === "left") return leave(self);
  if (stage === "stays") {
    delete state.moving;
    delete state.files;
    if (memory === undefined) return fail(self, "vm-off");
    const { waitsFor } = self.volatile;
    state.cursor = 0;
    if (waitsFor >= 0) askFor(self, storageOfPage(self, waitsFor));
    return readOn(self);
  }
  state.moving = stage;
  if (stage !== "standing" || memory === undefined) return;
  endSharing(self, memory);
  state.files = filesOf(self);
}

/** Another host brings the rest. */
function leave(self: Restorer): void {
  const memory = memoryBeside(self);
  const leftPages = memory === undefined ? 0 : absentPages(memory, self.config.client).count();
  const state = self.edit();
  state.stage = "left";
  const { waiting } = self.volatile;
  state.waiting = [];
  const figures = { ...self.volatile.figures, leftPages };
  for (const each of waiting) self.reply(each as Request, figures as unknown as Plain);
}

/** At the destination, before it is known which pages are absent. */
export function onTravelled(self: Restorer): void {
  const { files = [], storage } = self.volatile;
  const { world } = self;
  const host = world.registry.domain(self.domain).name;
  const devices = new Map<EntityId, EntityId>();
  for (const { device, array, volume } of files) {
    const paths = [...world.messenger.carriers(self.domain, world.entity(array).domain)];
    const options = { array, volume, paths, owner: host };
    devices.set(device, spawnInitiator(world, self as unknown as Entity, options).id);
  }
  const state = self.edit();
  state.device = devices.get(self.volatile.device)!;
  state.storage = storage.map((stored) =>
    stored.below === undefined
      ? stored
      : { ...stored, below: { ...stored.below, device: devices.get(stored.below.device)! } },
  ) as never;
  Object.assign(state, { reading: [], first: [], firstAsked: 0, cursor: 0, hurry: 0, placed: 0 });
  Object.assign(state, { waitsFor: -1, waiting: [], atReady: null, deferred: null });
  delete state.moving;
  delete state.files;
  noteSources(self, self.volatile.storage);
  self.after(0, "go-on");
}

/** It brings what is absent here, and somebody waits for the end of that. */
export function goOnRestoring(self: Restorer): void {
  const memory = memoryBeside(self);
  if (memory === undefined) return fail(self, "vm-off");
  const absent = absentPages(memory, self.config.client);
  const asked = askedFor(self);
  const { pages, blockPages, name: vm, checkpoint } = self.config;
  const { storage } = self.volatile;
  const isNeeded = (unit: number): boolean =>
    absent.next(unit * blockPages, Math.min(pages, (unit + 1) * blockPages)) >= 0;
  storage.forEach((_, number) => {
    if (unitsOf(self, number).some(isNeeded)) return;
    asked.set(number, 1);
    self.edit().placed++;
  });
  self.notice(CONTINUES_NOTICE, { vm, checkpoint, pages: absent.count() });
  const { world } = self;
  const host = world.named(world.registry.domain(self.domain).name);
  const { array, volume } = (world.entity(self.volatile.device) as unknown as InitiatorEntity)
    .config;
  const params = { vm, restorer: self.id, checkpoint, array, volume };
  const id = `${vm}.restore-on-${host.name}`;
  startOperation(world, continueRestore, host, id, params as PlainObject);
  if (self.volatile.placed === storage.length) return end(self, memory);
  readOn(self);
}
