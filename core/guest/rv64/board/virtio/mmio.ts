// Virtio over MMIO, version 2 (virtio 1.2, 4.2.2): the registers of one device. Registers are 32 bits wide; the configuration
// space behind them can be read in any width and is never written.

import type { Device, Surroundings } from "../surroundings.ts";
import { block } from "./block.ts";
import { virtioConsole } from "./console.ts";
import { type Behaviour, INDIRECT_DESCRIPTORS, VirtioDevice } from "./device.ts";
import { net } from "./net.ts";
import { MOST_ENTRIES } from "./queue.ts";
import { rng } from "./rng.ts";
import { newQueue, type QueueState, type VirtioKind, type VirtioState } from "./state.ts";

const BEHAVIOURS: Readonly<Record<VirtioKind, Behaviour>> = {
  block,
  net,
  rng,
  console: virtioConsole,
};

const MAGIC = 0x74726976;
const VERSION = 2;
const VENDOR = 0x5252_4f4f;
const VERSION_1 = 1n << 32n;
const FEATURES_OK = 8;
const NEEDS_RESET = 64;
const NO_SHARED_MEMORY = 0xffff_ffff;
const CONFIGURATION = 0x100;

const R = {
  magic: 0x000,
  version: 0x004,
  device: 0x008,
  vendor: 0x00c,
  features: 0x010,
  featuresSelect: 0x014,
  driverFeatures: 0x020,
  driverFeaturesSelect: 0x024,
  queueSelect: 0x030,
  queueMost: 0x034,
  queueSize: 0x038,
  queueReady: 0x044,
  queueNotify: 0x050,
  interrupt: 0x060,
  acknowledge: 0x064,
  status: 0x070,
  descriptors: 0x080,
  driver: 0x090,
  deviceArea: 0x0a0,
  sharedLengthLow: 0x0b0,
  sharedLengthHigh: 0x0b4,
  sharedBaseLow: 0x0b8,
  sharedBaseHigh: 0x0bc,
  generation: 0x0fc,
} as const;

export class VirtioMmio implements Device {
  readonly device: VirtioDevice;
  readonly #behaviour: Behaviour;

  constructor(around: Surroundings, index: number) {
    this.device = new VirtioDevice(around, index);
    this.#behaviour = BEHAVIOURS[this.device.state.kind];
  }

  get #features(): bigint {
    return this.#behaviour.features | BigInt(INDIRECT_DESCRIPTORS) | VERSION_1;
  }

  #queue(state: VirtioState): QueueState | undefined {
    return state.queues[state.queueSelect];
  }

  load(offset: number, bytes: number): bigint | null {
    if (offset >= CONFIGURATION) return this.#configuration(offset - CONFIGURATION, bytes);
    return bytes === 4 ? BigInt(this.#read(offset)) : null;
  }

  /** Behind the end there are zeros. */
  #configuration(offset: number, bytes: number): bigint {
    const space = this.#behaviour.configuration(this.device);
    let value = 0n;
    for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(space[offset + i] ?? 0);
    return value;
  }

  #read(offset: number): number {
    const { state } = this.device;
    switch (offset) {
      case R.magic:
        return MAGIC;
      case R.version:
        return VERSION;
      case R.device:
        return this.#behaviour.deviceId;
      case R.vendor:
        return VENDOR;
      case R.features:
        if (state.featuresSelect > 1) return 0;
        return Number((this.#features >> BigInt(32 * state.featuresSelect)) & 0xffff_ffffn);
      case R.queueMost:
        return this.#queue(state) === undefined ? 0 : MOST_ENTRIES;
      case R.queueReady:
        return this.#queue(state)?.ready === true ? 1 : 0;
      case R.interrupt:
        return state.interrupt;
      case R.status:
        return state.status;
      case R.generation:
        return state.generation ?? 0;
      case R.sharedLengthLow:
      case R.sharedLengthHigh:
      case R.sharedBaseLow:
      case R.sharedBaseHigh:
        return NO_SHARED_MEMORY;
      default:
        return 0;
    }
  }

  store(offset: number, bytes: number, value: bigint): boolean {
    if (bytes !== 4) return offset >= CONFIGURATION;
    if (offset < CONFIGURATION) this.#write(offset, Number(value));
    return true;
  }

  #write(offset: number, value: number): void {
    const { state } = this.device;
    switch (offset) {
      case R.featuresSelect:
        state.featuresSelect = value;
        return;
      case R.driverFeatures:
        if (state.driverFeaturesSelect < 2 && (state.status & FEATURES_OK) === 0)
          state.driverFeatures[state.driverFeaturesSelect] = value;
        return;
      case R.driverFeaturesSelect:
        state.driverFeaturesSelect = value;
        return;
      case R.queueSelect:
        state.queueSelect = value;
        return;
      case R.queueNotify:
        if (value < state.queues.length && this.device.works)
          this.#behaviour.notified(this.device, value);
        return;
      case R.acknowledge:
        state.interrupt &= ~value;
        return;
      case R.status:
        return this.#setStatus(state, value & 0xff);
      default: {
        const queue = this.#queue(state);
        if (queue !== undefined) this.#writeQueue(queue, offset, value);
      }
    }
  }

  #writeQueue(queue: QueueState, offset: number, value: number): void {
    if (offset === R.queueReady) {
      if ((value & 1) === 1) queue.ready = true;
      else Object.assign(queue, newQueue());
      return;
    }
    // A queue in use keeps its place.
    if (queue.ready) return;
    if (offset === R.queueSize) queue.size = value;
    else if (offset === R.descriptors) queue.descriptors[0] = value;
    else if (offset === R.descriptors + 4) queue.descriptors[1] = value;
    else if (offset === R.driver) queue.driver[0] = value;
    else if (offset === R.driver + 4) queue.driver[1] = value;
    else if (offset === R.deviceArea) queue.device[0] = value;
    else if (offset === R.deviceArea + 4) queue.device[1] = value;
  }

  /** FEATURES_OK sticks only when what the driver chose is acceptable; 0 resets. */
  #setStatus(state: VirtioState, value: number): void {
    if (value === 0) return this.#reset(state);
    const [low, high] = state.driverFeatures;
    const chosen = BigInt(low) | (BigInt(high) << 32n);
    const acceptable = (chosen & ~this.#features) === 0n && (chosen & VERSION_1) !== 0n;
    const refused = (value & FEATURES_OK) !== 0 && !acceptable;
    state.status = (refused ? value & ~FEATURES_OK : value) | (state.status & NEEDS_RESET);
  }

  #reset(state: VirtioState): void {
    state.status = 0;
    state.featuresSelect = 0;
    state.driverFeaturesSelect = 0;
    state.driverFeatures = [0, 0];
    state.queueSelect = 0;
    state.queues = state.queues.map(newQueue);
    state.interrupt = 0;
    state.pending = [];
  }
}
