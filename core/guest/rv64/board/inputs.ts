// What happens to the machine from outside.

import { assert, factorial, unreachable } from "../../../kernel/index.ts";
import type { Bus } from "./bus.ts";
import type { BoardInput } from "./contract.ts";
import type { Surroundings } from "./surroundings.ts";
import { MOST_INPUT } from "./uart.ts";
import { finishBlock, resizeBlock } from "./virtio/block.ts";
import { passTyped } from "./virtio/console.ts";
import type { VirtioDevice } from "./virtio/device.ts";
import { receive } from "./virtio/net.ts";
import { finishRandom } from "./virtio/rng.ts";
import type { VirtioKind } from "./virtio/state.ts";

function type(queue: number[], bytes: Uint8Array): void {
  const room = MOST_INPUT - queue.length;
  for (const byte of bytes.subarray(0, room)) queue.push(byte);
}

const isOrder = (order: number, harts: number): boolean =>
  Number.isInteger(order) && order >= 0 && order < factorial(harts);

function deviceOf(bus: Bus, kind: VirtioKind, id: string): VirtioDevice {
  const found = bus.virtio.find(
    ({ device }) => device.state.kind === kind && device.state.id === id,
  );
  assert(found !== undefined, `there is a ${kind} device ${id}`);
  return found.device;
}

export function takeInput({ state }: Surroundings, bus: Bus, input: BoardInput): void {
  switch (input.kind) {
    case "console": {
      if (input.port === "serial") return type(state.uart.input, input.bytes);
      const device = deviceOf(bus, "console", "console");
      type(device.state.input, input.bytes);
      return passTyped(device);
    }
    case "block-done": {
      const disk = deviceOf(bus, "block", input.disk);
      return finishBlock(disk, input.request, input.ok, input.runs ?? []);
    }
    case "block-size":
      return resizeBlock(deviceOf(bus, "block", input.disk), input.sectors);
    case "packet":
      return receive(deviceOf(bus, "net", input.nic), input.bytes);
    case "random":
      return finishRandom(deviceOf(bus, "rng", "rng"), input.request, input.bytes);
    case "hart-orders": {
      const { harts, schedule } = state;
      assert(
        input.orders.every((order) => isOrder(order, harts.length)),
        "numbers of orders",
      );
      schedule.orders.push(...input.orders);
      return;
    }
    default:
      return unreachable(input);
  }
}
