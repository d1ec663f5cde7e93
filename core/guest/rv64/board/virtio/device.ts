// What every virtio device has: its queues, its interrupt, and the way it ends when a driver breaks the rules.

import type { Surroundings } from "../surroundings.ts";
import { GuestMemory } from "./guest-memory.ts";
import { advance, type Chain, giveBack, peekChain } from "./queue.ts";
import type { PendingRequest, VirtioState } from "./state.ts";

export const DRIVER_OK = 4;
export const NEEDS_RESET = 64;
const USED_BUFFER = 1;
const CONFIGURATION_CHANGED = 2;
/** VIRTIO_RING_F_INDIRECT_DESC, offered by every device. */
export const INDIRECT_DESCRIPTORS = 1 << 28;

/** What tells one kind of device from another. */
export interface Behaviour {
  /** Virtio device id (virtio 1.2, chapter 5). */
  readonly deviceId: number;
  readonly features: bigint;
  /** Configuration space. */
  configuration(device: VirtioDevice): Uint8Array;
  /** The driver put something into a queue. */
  notified(device: VirtioDevice, queue: number): void;
}

export class VirtioDevice {
  readonly around: Surroundings;
  readonly index: number;
  readonly memory: GuestMemory;

  constructor(around: Surroundings, index: number) {
    this.around = around;
    this.index = index;
    this.memory = new GuestMemory(around.engine);
  }

  get state(): VirtioState {
    return this.around.state.virtio[this.index]!;
  }

  get works(): boolean {
    const { status } = this.state;
    return (status & DRIVER_OK) !== 0 && (status & NEEDS_RESET) === 0;
  }

  /** The driver broke the rules: the device does nothing more until it is reset (virtio 1.2, 2.1.2). */
  breakDown(): void {
    const { state } = this;
    state.status |= NEEDS_RESET;
    if ((state.status & DRIVER_OK) !== 0) state.interrupt |= CONFIGURATION_CHANGED;
    state.pending = [];
  }

  /**
   * The configuration space is another from now on: a driver that reads it in pieces sees by the
   * generation that it has to read again, one that works hears of it (virtio 1.2, 2.5.2, 4.2.2).
   */
  configurationChanged(): void {
    const { state } = this;
    state.generation = ((state.generation ?? 0) + 1) >>> 0;
    if (this.works) state.interrupt |= CONFIGURATION_CHANGED;
  }

  /** The next chain of a queue, if `fits`; null when there is none, or it does not fit and stays. */
  take(queue: number, fits: (chain: Chain) => boolean = () => true): Chain | null {
    if (!this.works) return null;
    const { queues, driverFeatures } = this.state;
    const allowsIndirect = (driverFeatures[0] & INDIRECT_DESCRIPTORS) !== 0;
    const found = peekChain(queues[queue]!, this.memory, allowsIndirect);
    if (found === "broken") this.breakDown();
    if (typeof found === "string" || !fits(found)) return null;
    advance(queues[queue]!);
    return found;
  }

  giveBack(queue: number, head: number, written: number): void {
    const wanted = giveBack(this.state.queues[queue]!, this.memory, head, written);
    if (wanted === null) this.breakDown();
    else if (wanted) this.state.interrupt |= USED_BUFFER;
  }

  /** Notes a request to the host; returns its number. */
  ask(pending: Omit<PendingRequest, "request">): number {
    const request = this.around.state.nextRequest++;
    this.state.pending.push({ ...pending, request });
    return request;
  }

  /** The request that the host answers; null when the device was reset meanwhile, or never asked. */
  answered(request: number): PendingRequest | null {
    const { state } = this;
    const found = state.pending.find((pending) => pending.request === request);
    if (found === undefined) return null;
    state.pending = state.pending.filter((pending) => pending !== found);
    return found;
  }
}
