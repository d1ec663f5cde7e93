/** The open disks of a running VM, as an operation at its host works on them. */
import {
  ask,
  type AskStep,
  type Entity,
  type EntityId,
  fail,
  type Step,
} from "../../kernel/index.ts";
import type { VolumeAccess } from "./open-device.ts";
import type { VirtualDiskEntity } from "./virtual-disk-state.ts";

export type OpenDisk = {
  readonly disk: string;
  /** The open virtual disk. */
  readonly entity: EntityId;
  readonly access: VolumeAccess;
};

/** How often an operation looks whether the guest's requests are through. */
export const DRAIN_POLL_NS = 50_000;

/** The VM and its disks are in this domain: no answer means that they are gone. */
const LOCAL_TIMEOUT_NS = 60_000_000_000;

type OnDisks<Op, R> = (host: Entity, op: Op, disks: VirtualDiskEntity[], result: R) => Step;

/**
 * A phase that works on the open disks. When the VM was powered off meanwhile they are gone, and
 * what the operation made durable is settled at the next power-on.
 */
export function whileOpen<
  Op extends { readonly params: { readonly disks: readonly OpenDisk[] } },
  R = null,
>(phase: OnDisks<Op, R>): (host: Entity, op: Op, result: R) => Step {
  return (host, op, result) => {
    const found = op.params.disks.map(({ entity }) => host.world.entityOrNone(entity));
    if (found.some((each) => each === undefined)) return fail("vm-off");
    return phase(host, op, found as unknown as VirtualDiskEntity[], result);
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
