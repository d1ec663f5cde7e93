// The virtio network device (virtio 1.2, 5.1), without offloads: queue 0 receives, queue 1 sends; before each frame stands a
// header of 12 bytes.

import type { Behaviour, VirtioDevice } from "./device.ts";
import { lengthOf } from "./guest-memory.ts";

const FEATURE_MAC = 1n << 5n;
const FEATURE_STATUS = 1n << 16n;
const LINK_UP = 1;
const HEADER_BYTES = 12;
/** An Ethernet header, and the largest frame that a standard link carries with a VLAN tag. */
const LEAST_FRAME = 14;
const MOST_FRAME = 1518;
const RECEIVE = 0;
const SEND = 1;

const macOf = (device: VirtioDevice): number[] =>
  device.around.config.nics
    .find(({ id }) => id === device.state.id)!
    .mac.split(":")
    .map((byte) => Number.parseInt(byte, 16));

export const net: Behaviour = {
  deviceId: 1,
  features: FEATURE_MAC | FEATURE_STATUS,

  configuration(device) {
    return Uint8Array.of(...macOf(device), LINK_UP, 0);
  },

  /** Frames that no link carries are dropped, as a card would drop them. */
  notified(device, queue) {
    if (queue !== SEND) return;
    for (let chain = device.take(SEND); chain !== null; chain = device.take(SEND)) {
      const bytes = device.memory.gather(chain.readable);
      device.giveBack(SEND, chain.head, 0);
      const frame = bytes.subarray(HEADER_BYTES);
      if (frame.length < LEAST_FRAME || frame.length > MOST_FRAME) device.state.dropped++;
      else device.around.emit({ kind: "send", nic: device.state.id, bytes: frame.slice() });
    }
  },
};

/** A frame arrives. It is dropped when the driver has no buffer of its size ready. */
export function receive(device: VirtioDevice, frame: Uint8Array): void {
  const wanted = HEADER_BYTES + frame.length;
  const chain = device.take(RECEIVE, ({ writable }) => lengthOf(writable) >= wanted);
  if (chain === null) {
    device.state.dropped++;
    return;
  }
  const bytes = new Uint8Array(wanted);
  // The number of buffers: always one.
  bytes[10] = 1;
  bytes.set(frame, HEADER_BYTES);
  device.giveBack(RECEIVE, chain.head, device.memory.scatter(chain.writable, bytes));
}
