/** Carries out what a guest put out. */
import type { Editable, Plain, TimerHandle } from "../kernel/index.ts";
import { unreachable } from "../kernel/index.ts";
import type { GuestOutput } from "../guest/index.ts";
import { guestNs } from "./guest-time.ts";
import { tellCall } from "./integrity/alerts.ts";
import { perhapsLater } from "./integrity/stores.ts";
import { memoryOf } from "./pages/guest-memory.ts";
import { beginTouching } from "./pages/touches.ts";
import { announce } from "./policy.ts";
import { type BlockTag, computeNext, endRun, recordOf, type VmEntity } from "./vm-state.ts";
import { sendingRun, type VmRecord } from "./vm-record.ts";
import { afterOf } from "./stream-order.ts";

export function perform(self: VmEntity, output: GuestOutput): void {
  if (self.volatile.stage === "ended") return;
  switch (output.kind) {
    case "block":
      return sendBlock(self, output);
    case "timer":
      return setTimer(self, output.delayNs, output.tag);
    case "cpu": {
      const bursts = self.edit().bursts[output.vcpu]!;
      bursts.push({ workNs: output.workNs, tag: output.tag as Editable<Plain> });
      return bursts.length > 1 ? undefined : computeNext(self, output.vcpu);
    }
    case "touch": {
      const state = self.edit();
      state.pageReads += output.reads;
      state.pageWrites += output.writes;
      beginTouching(memoryOf(self), output);
      return self.measure("page-writes", output.writes);
    }
    case "store": {
      const { by, page, pages } = output;
      return perhapsLater(memoryOf(self), { kind: "store", by, page, pages });
    }
    case "integrity": {
      const { event } = output;
      if (event.what !== "tables") return tellCall(self, event);
      return perhapsLater(memoryOf(self), { kind: "tables", second: event.second });
    }
    case "send":
      return sendPacket(self, output);
    case "lifecycle":
      return tell(self, output.event);
    case "finding": {
      const { check, message, fields } = output;
      return recordOf(self).notice("finding", { vm: self.config.spec.vm, check, message, fields });
    }
    case "halt":
      return endRun(self, "shutdown");
    default:
      return unreachable(output);
  }
}

export type BlockOutput = Extract<GuestOutput, { kind: "block" }>;

export function sendBlock(self: VmEntity, output: BlockOutput): void {
  const { id, disk, request } = output;
  const tag: BlockTag = { id, op: request.op, sentNs: self.simulatedNs };
  self.ask(self.volatile.disks[disk]!, "io", request, { then: "block-replied", tag });
}

function setTimer(self: VmEntity, delayNs: number, tag: Plain): void {
  const state = self.edit();
  const id = state.nextTimer++;
  // One that its host has just stopped sets it when it goes on.
  const isStill = self.volatile.stuns > 0;
  const handle = isStill ? (0 as TimerHandle) : self.after(delayNs, "timer", id);
  state.timers[id] = { dueNs: guestNs(self) + delayNs, handle, tag: tag as Editable<Plain> };
}

/** A message to a machine that is off goes nowhere, as in life. */
function sendPacket(self: VmEntity, output: Extract<GuestOutput, { kind: "send" }>): void {
  const { world, config } = self;
  const peer = world.registry.idOf(output.to);
  if (peer === undefined) return;
  const { instance } = (world.entity(peer) as unknown as VmRecord).durable;
  if (instance < 0) return;
  const { sequence, bytes, delivery } = output;
  const from = config.spec.vm;
  const mayRepeat = config.guard < 0 ? undefined : true;
  const run = sendingRun(recordOf(self));
  const packet = { kind: "packet", from, run, sequence, bytes, delivery, mayRepeat };
  const order = delivery === "stream" ? afterOf(self, output.to) : {};
  self.send(instance, "packet", { ...packet, ...order }, { bytes, delivery });
}

function tell(self: VmEntity, event: string): void {
  announce(self, event);
  if (event !== "verified") return;
  recordOf(self).notice("sometimes", { name: "a guest checked its disks after a crash" });
}
