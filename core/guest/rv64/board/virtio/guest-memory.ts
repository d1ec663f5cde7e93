// Guest RAM as a device sees it: by offset from the start of RAM, every range checked before it is touched.

import type { Engine } from "../../engine.ts";
import { RAM_BASE } from "../../layout.ts";
import { announce } from "../host-access.ts";
import type { Segment } from "./state.ts";

export class GuestMemory {
  readonly #engine: Engine;
  readonly #view: DataView;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#view = new DataView(engine.ram.buffer, engine.ram.byteOffset, engine.ramBytes);
  }

  /** Offset of a range given by the halves of its physical address; null when any of it lies outside RAM. */
  offsetOf([low, high]: readonly [number, number], bytes: number): number | null {
    if (high !== 0) return null;
    const offset = low - RAM_BASE;
    return offset >= 0 && offset + bytes <= this.#engine.ramBytes ? offset : null;
  }

  u16(offset: number): number {
    announce(this.#engine, offset, 2, false);
    return this.#view.getUint16(offset, true);
  }

  u32(offset: number): number {
    announce(this.#engine, offset, 4, false);
    return this.#view.getUint32(offset, true);
  }

  write(offset: number, bytes: Uint8Array): void {
    announce(this.#engine, offset, bytes.length, true);
    this.#engine.writeRam(offset, bytes);
  }

  /** A copy of what the segments hold, one after the other. */
  gather(segments: readonly Segment[]): Uint8Array {
    const out = new Uint8Array(lengthOf(segments));
    let at = 0;
    for (const { offset, bytes } of segments) {
      announce(this.#engine, offset, bytes, false);
      out.set(this.#engine.ram.subarray(offset, offset + bytes), at);
      at += bytes;
    }
    return out;
  }

  /** Fills the segments in order, as far as `bytes` reach; returns how many were written. */
  scatter(segments: readonly Segment[], bytes: Uint8Array): number {
    let at = 0;
    for (const segment of segments) {
      const part = bytes.subarray(at, at + segment.bytes);
      this.write(segment.offset, part);
      at += part.length;
    }
    return at;
  }
}

export const lengthOf = (segments: readonly Segment[]): number =>
  segments.reduce((total, { bytes }) => total + bytes, 0);
