// The virtio entropy device (virtio 1.2, 5.4): every buffer becomes a request to the host, whose answer is an input.

import { assert } from "../../../../kernel/index.ts";
import type { Behaviour, VirtioDevice } from "./device.ts";
import { lengthOf } from "./guest-memory.ts";

/** A larger buffer is filled in part, which the driver must expect. */
const MOST_BYTES = 4096;

export const rng: Behaviour = {
  deviceId: 4,
  features: 0n,

  configuration() {
    return new Uint8Array(0);
  },

  notified(device) {
    for (let chain = device.take(0); chain !== null; chain = device.take(0)) {
      const bytes = Math.min(lengthOf(chain.writable), MOST_BYTES);
      if (bytes === 0) return device.breakDown();
      const writable = [...chain.writable];
      const request = device.ask({ queue: 0, head: chain.head, writable, status: null });
      device.around.emit({ kind: "need-random", request, bytes });
    }
  },
};

export function finishRandom(device: VirtioDevice, request: number, bytes: Uint8Array): void {
  const pending = device.answered(request);
  if (pending === null) return;
  const wanted = Math.min(lengthOf(pending.writable), MOST_BYTES);
  assert(bytes.length === wanted, "as many random bytes as were asked for");
  device.giveBack(0, pending.head, device.memory.scatter(pending.writable, bytes));
}
