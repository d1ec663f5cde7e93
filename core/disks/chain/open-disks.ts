/** The open disks of a running VM, as an operation at its host works on them. */
import {
  ask,
  type AskStep,
  type Entity,
  type EntityId,
  fail,
  type Step,
  together,
  type World,
} from "../../kernel/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import type { VolumeAccess } from "./open-device.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

export type OpenDisk = {
  readonly disk: string;
  /** The open virtual disk, as of when the operation was asked for. */
  readonly entity: EntityId;
  readonly access: VolumeAccess;
};

/** Of an operation on the disks of a VM that runs in its domain. */
export type OnOpenDisks = {
  /** Absent: they are these disks or none. */
  readonly instance?: EntityId;
  readonly disks: readonly OpenDisk[];
};

/** How often an operation looks whether the guest's requests are through. */
export const DRAIN_POLL_NS = 50_000;

/** The VM and its disks are in this domain: no answer means that they are gone. */
const LOCAL_TIMEOUT_NS = 60_000_000_000;

type OnDisks<Op, R> = (host: Entity, op: Op, disks: VirtualDiskEntity[], result: R) => Step;

/**
 * The disks as they are open now: one that was grown since the operation was asked for is another
 * entity. Undefined: the VM was powered off.
 */
export function openDisks(world: World, params: OnOpenDisks): VirtualDiskEntity[] | undefined {
  const found: Entity[] = [];
  for (const { disk, entity } of params.disks) {
    const open = world.entityOrNone(entity) ?? openNow(world, params, disk);
    if (open === undefined) return undefined;
    found.push(open);
  }
  return found as unknown as VirtualDiskEntity[];
}

function openNow(world: World, { instance }: OnOpenDisks, disk: string): Entity | undefined {
  if (instance === undefined) return undefined;
  const run = world.entityOrNone(instance) as unknown as VmEntity | undefined;
  return run?.volatile.disks
    .map((id) => world.entityOrNone(id))
    .find((each) => (each as VirtualDiskEntity | undefined)?.config.disk === disk);
}

/** Writes what the open disks hold back is on stable storage at `next`. */
export function flushDisks(world: World, params: OnOpenDisks, next: string, otherwise: string) {
  const open = openDisks(world, params);
  if (open === undefined) return fail("vm-off");
  return together(
    open.map(({ id }) => askDevice(id, { op: "flush" }, "")),
    next,
    otherwise,
  );
}

/**
 * A phase that works on the open disks. When the VM was powered off meanwhile they are gone, and
 * what the operation made durable is settled at the next power-on.
 */
export function whileOpen<Op extends { readonly params: OnOpenDisks }, R = null>(
  phase: OnDisks<Op, R>,
): (host: Entity, op: Op, result: R) => Step {
  return (host, op, result) => {
    const open = openDisks(host.world, op.params);
    return open === undefined ? fail("vm-off") : phase(host, op, open, result);
  };
}

/** Asks the running instance; without it `otherwise` comes after a while. */
export function askInstance(
  instance: EntityId,
  verb: "stun" | "unstun",
  next: string,
  otherwise: string,
): AskStep {
  return ask(instance, verb, {}, next, { timeoutNs: LOCAL_TIMEOUT_NS, otherwise });
}

/** Asks a virtual disk or a device that leads to a volume. */
export function askDevice(device: EntityId, body: object, otherwise: string): AskStep {
  return ask(device, "io", body as never, "", { timeoutNs: LOCAL_TIMEOUT_NS, otherwise });
}
