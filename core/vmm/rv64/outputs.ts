/** Carries out what a real machine put out, in the event of its exit. */
import { permutation, type Reply, uniform, unreachable } from "../../kernel/index.ts";
import type { rv64 } from "../../guest/index.ts";
import { withOutputs } from "../output-hash.ts";
import { tellCall } from "../integrity/alerts.ts";
import { announce } from "../policy.ts";
import type { VmRecord } from "../vm-record.ts";
import { cross, deliver, machineRecord } from "./inputs.ts";
import { machineConfig, type MachineEntity } from "./machine-state.ts";
import { onConsole } from "./typing.ts";

/** Notice of what a console shows; data is {vm, port, text}. */
export const CONSOLE_NOTICE = "console-output";

const BYTE = uniform(256);
/** Rounds whose order of harts is drawn in one event. */
const ORDERS_AT_ONCE = 64;

export function carryOut(self: MachineEntity, outputs: readonly rv64.BoardOutput[]): void {
  if (self.config.guard >= 0) {
    const { board, toNs, startedNs } = self.volatile;
    const input = { kind: "put-out" } as const;
    return void cross(self, { step: board!.progress, nowNs: toNs - startedNs, input }, outputs);
  }
  const durable = machineRecord(self).editDurable();
  durable.outputs = withOutputs(durable.outputs, outputs as never);
  for (const output of outputs) performMachine(self, output);
}

export function performMachine(self: MachineEntity, output: rv64.BoardOutput): void {
  if (self.volatile.stage === "ended") return;
  switch (output.kind) {
    case "console": {
      const text = textOf(output.bytes);
      machineRecord(self).notice(CONSOLE_NOTICE, { vm: vmOf(self), port: output.port, text });
      return onConsole(self, text);
    }
    case "block":
      return sendBlock(self, output);
    case "send":
      return sendFrame(self, output);
    case "need-random": {
      const record = machineRecord(self);
      const bytes = new Uint8Array(output.bytes);
      for (let i = 0; i < bytes.length; i++) bytes[i] = record.draw("random", BYTE);
      return deliver(self, { kind: "random", request: output.request, bytes });
    }
    case "need-orders": {
      const order = permutation(machineConfig(self).board.harts);
      const draw = (): number => machineRecord(self).draw("hart order", order);
      return deliver(self, {
        kind: "hart-orders",
        orders: Array.from({ length: ORDERS_AT_ONCE }, draw),
      });
    }
    case "lifecycle":
      return announce(self, output.event);
    case "integrity":
      return tellCall(self as never, output.event);
    case "halt":
      tellEnd(self, output.halt);
      return self.world.call(self as never, "halted", output.halt.kind);
    default:
      return unreachable(output);
  }
}

/** What was seen outside already, and comes again after a failover: its effects on the machine. */
export function performSeen(self: MachineEntity, output: rv64.BoardOutput): void {
  if (self.volatile.stage === "ended") return;
  if (output.kind === "console") onConsole(self, textOf(output.bytes));
  if (output.kind === "halt") self.world.call(self as never, "halted", output.halt.kind);
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);

const vmOf = (self: MachineEntity): string => self.config.spec.vm;

type BlockTag = {
  readonly boot: number;
  readonly disk: string;
  readonly request: number;
  readonly op: string;
  readonly sentNs: number;
};

function sendBlock(
  self: MachineEntity,
  output: Extract<rv64.BoardOutput, { kind: "block" }>,
): void {
  const { disk, request, io } = output;
  const at = self.config.spec.disks.findIndex(({ id }) => id === disk);
  const boot = self.volatile.boots;
  const tag: BlockTag = { boot, disk, request, op: io.op, sentNs: self.simulatedNs };
  self.ask(self.volatile.disks[at]!, "io", io, { then: "block-replied", tag });
}

/** The answer of a disk as the machine receives it; undefined: it was reset since it asked. */
export function blockDone(self: MachineEntity, reply: Reply): rv64.BoardInput | undefined {
  const { boot, disk, request, op, sentNs } = reply.tag as BlockTag;
  if (boot !== self.volatile.boots) return undefined;
  if (!reply.ok) return { kind: "block-done", disk, request, ok: false };
  self.measure(`${op}-latency-ns`, self.simulatedNs - sentNs);
  if (op !== "read") return { kind: "block-done", disk, request, ok: true };
  const { runs } = reply.value as { runs: never };
  return { kind: "block-done", disk, request, ok: true, runs };
}

/** A frame on its way to the nic of a peer that is connected with this machine. */
export type FrameMessage = { readonly from: string; readonly bytes: Uint8Array };

/** A frame to a machine that is off goes nowhere, as in life. */
function sendFrame(self: MachineEntity, output: Extract<rv64.BoardOutput, { kind: "send" }>): void {
  const { world } = self;
  const peer = world.registry.idOf(machineConfig(self).peers[output.nic]!);
  if (peer === undefined) return;
  const { instance } = (world.entity(peer) as unknown as VmRecord).durable;
  if (instance < 0) return;
  const { bytes } = output;
  const frame: FrameMessage = { from: vmOf(self), bytes };
  self.send(instance, "packet", frame, { bytes: bytes.length, delivery: "datagram" });
}

/** An exit code (`exit N`), a failure, a reset; an orderly power-off has been told by its driver. */
function tellEnd(self: MachineEntity, halt: rv64.Halt): void {
  if (halt.kind === "exit") announce(self, `exit ${halt.code}`);
  else if (halt.reason === "system-failure") announce(self, "system-failure");
  else if (halt.kind === "reset") announce(self, "reset");
}
