// The 16550 UART. Its transmitter is always ready: bytes leave through the console, which gathers them. What was typed and
// not read waits in `input`, as if the receiver's FIFO were as long as that.

import type { UartState } from "./state.ts";
import type { Device, Surroundings } from "./surroundings.ts";

const RECEIVE_INTERRUPT = 1;
const TRANSMIT_INTERRUPT = 2;
const DIVISOR_LATCH = 0x80;
const FIFOS_ENABLED = 1;
const CLEAR_RECEIVER = 2;
const LOOPBACK = 0x10;
/** Interrupt identification: nothing; transmitter ready; data there. */
const IDENTITY_NONE = 1;
const IDENTITY_TRANSMIT = 2;
const IDENTITY_RECEIVE = 4;
/** Carrier, data set ready, clear to send. */
const MODEM_READY = 0xb0;

/** Bytes that a port keeps until the guest takes them; what comes beyond is lost. */
export const MOST_INPUT = 1 << 16;

/** Whether its interrupt line is up. */
export function uartInterrupts(uart: UartState): boolean {
  const receive = (uart.interruptEnable & RECEIVE_INTERRUPT) !== 0 && uart.input.length > 0;
  return receive || ((uart.interruptEnable & TRANSMIT_INTERRUPT) !== 0 && uart.transmitterReady);
}

export class Uart implements Device {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  load(offset: number, bytes: number): bigint | null {
    return bytes === 1 ? BigInt(this.#read(offset)) : null;
  }

  #read(offset: number): number {
    const { uart } = this.#around.state;
    const latched = (uart.lineControl & DIVISOR_LATCH) !== 0;
    switch (offset) {
      case 0:
        return latched ? uart.divisor & 0xff : (uart.input.shift() ?? 0);
      case 1:
        return latched ? uart.divisor >> 8 : uart.interruptEnable;
      case 2:
        return this.#identify(uart);
      case 3:
        return uart.lineControl;
      case 4:
        return uart.modemControl;
      case 5:
        return 0x60 | (uart.input.length > 0 ? 1 : 0);
      case 6:
        return this.#modemStatus(uart);
      case 7:
        return uart.scratch;
      default:
        return 0;
    }
  }

  /** Reading it acknowledges the transmitter's interrupt, if that is the one shown. */
  #identify(uart: UartState): number {
    const fifos = (uart.fifoControl & FIFOS_ENABLED) !== 0 ? 0xc0 : 0;
    if ((uart.interruptEnable & RECEIVE_INTERRUPT) !== 0 && uart.input.length > 0)
      return IDENTITY_RECEIVE | fifos;
    if (!uartInterrupts(uart)) return IDENTITY_NONE | fifos;
    uart.transmitterReady = false;
    return IDENTITY_TRANSMIT | fifos;
  }

  /** In loopback the modem lines show what modem control drives; drivers probe for the chip with that. */
  #modemStatus(uart: UartState): number {
    if ((uart.modemControl & LOOPBACK) === 0) return MODEM_READY;
    const { modemControl } = uart;
    const swapped = ((modemControl & 1) << 1) | ((modemControl & 2) >> 1);
    return (swapped << 4) | ((modemControl & 0xc) << 4);
  }

  store(offset: number, bytes: number, value: bigint): boolean {
    if (bytes !== 1) return false;
    this.#write(offset, Number(value));
    return true;
  }

  #write(offset: number, value: number): void {
    const { uart } = this.#around.state;
    const latched = (uart.lineControl & DIVISOR_LATCH) !== 0;
    if (offset === 0) {
      if (latched) uart.divisor = (uart.divisor & 0xff00) | value;
      else this.#transmit(uart, value);
    } else if (offset === 1) {
      if (latched) uart.divisor = (uart.divisor & 0xff) | (value << 8);
      else this.#enable(uart, value & 0xf);
    } else if (offset === 2) {
      uart.fifoControl = value & 0xc9;
      if ((value & CLEAR_RECEIVER) !== 0) uart.input = [];
    } else if (offset === 3) uart.lineControl = value;
    else if (offset === 4) uart.modemControl = value & 0x1f;
    else if (offset === 7) uart.scratch = value;
  }

  #transmit(uart: UartState, byte: number): void {
    uart.transmitterReady = true;
    if ((uart.modemControl & LOOPBACK) !== 0) uart.input.push(byte);
    else this.#around.print("serial", [byte]);
  }

  /** Enabling the transmitter's interrupt while it is idle raises it. */
  #enable(uart: UartState, enable: number): void {
    const rises = (enable & ~uart.interruptEnable & TRANSMIT_INTERRUPT) !== 0;
    uart.interruptEnable = enable;
    if (rises) uart.transmitterReady = true;
  }
}
