// Which device an address belongs to, and the interrupt lines behind them.

import { Clint } from "./clint.ts";
import { Finisher } from "./finisher.ts";
import { CLINT, FINISHER, PLIC, UART, VIRTIO } from "./memory-map.ts";
import { Plic, setLevel } from "./plic.ts";
import type { Device, Surroundings } from "./surroundings.ts";
import { Uart, uartInterrupts } from "./uart.ts";
import { VirtioMmio } from "./virtio/mmio.ts";

interface Placed {
  readonly base: number;
  readonly bytes: number;
  readonly device: Device;
}

export class Bus {
  readonly virtio: readonly VirtioMmio[];
  readonly #around: Surroundings;
  readonly #devices: readonly Placed[];

  constructor(around: Surroundings) {
    this.#around = around;
    this.virtio = around.state.virtio.map((_, index) => new VirtioMmio(around, index));
    this.#devices = [
      { ...UART, device: new Uart(around) },
      { ...PLIC, device: new Plic(() => around.state.plic) },
      { ...CLINT, device: new Clint(around) },
      { ...FINISHER, device: new Finisher(around) },
      ...this.virtio.map((device, index) => ({
        base: VIRTIO.base + index * VIRTIO.bytes,
        bytes: VIRTIO.bytes,
        device,
      })),
    ];
  }

  #find(address: bigint): Placed | undefined {
    if (address >= 1n << 32n) return undefined;
    const at = Number(address);
    return this.#devices.find(({ base, bytes }) => at >= base && at < base + bytes);
  }

  /** What a load reads; null: nothing answers. */
  load(address: bigint, bytes: number): bigint | null {
    const found = this.#find(address);
    if (found === undefined) return null;
    const value = found.device.load(Number(address) - found.base, bytes);
    this.updateLines();
    return value;
  }

  /** False: nothing took it. */
  store(address: bigint, bytes: number, value: bigint): boolean {
    const found = this.#find(address);
    if (found === undefined) return false;
    const taken = found.device.store(Number(address) - found.base, bytes, value);
    this.updateLines();
    return taken;
  }

  /** Brings the lines of all devices to the interrupt controller. */
  updateLines(): void {
    const { plic, uart, virtio } = this.#around.state;
    setLevel(plic, UART.source, uartInterrupts(uart));
    for (const [index, device] of virtio.entries())
      setLevel(plic, VIRTIO.source + index, device.interrupt !== 0);
  }
}
