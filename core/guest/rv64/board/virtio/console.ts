// The virtio console (virtio 1.2, 5.3), one port: queue 0 receives, queue 1 sends.

import type { Behaviour, VirtioDevice } from "./device.ts";
import { lengthOf } from "./guest-memory.ts";

const RECEIVE = 0;
const SEND = 1;

export const virtioConsole: Behaviour = {
  deviceId: 3,
  features: 0n,

  configuration() {
    return new Uint8Array(12);
  },

  notified(device, queue) {
    if (queue === RECEIVE) return passTyped(device);
    for (let chain = device.take(SEND); chain !== null; chain = device.take(SEND)) {
      device.around.print("virtio", device.memory.gather(chain.readable));
      device.giveBack(SEND, chain.head, 0);
    }
  },
};

/** Puts typed bytes into the buffers that the driver has ready. */
export function passTyped(device: VirtioDevice): void {
  const { state } = device;
  while (state.input.length > 0) {
    const chain = device.take(RECEIVE, ({ writable }) => lengthOf(writable) > 0);
    if (chain === null) return;
    const bytes = Uint8Array.from(state.input.splice(0, lengthOf(chain.writable)));
    device.giveBack(RECEIVE, chain.head, device.memory.scatter(chain.writable, bytes));
  }
}
