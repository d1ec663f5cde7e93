/** `orrery gdb`: a recorded real guest under GDB, forwards and backwards. Loopback only. */
import type { MachineConfig } from "../../core/vmm/index.ts";
import type { DebugTarget, GdbServed } from "../../traces/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Parsed } from "../time.ts";
import { parseCount, type Verb, verb } from "../verb.ts";
import { type InputFolders, inputsOption, type OpenRun, traceStatus, withRun } from "./with-run.ts";

interface GdbFlags extends InputFolders {
  readonly vm?: string;
  readonly port?: number;
}

const DEFAULT_PORT = 1234;
const MOST_PORT = 65_535;

export const gdb: Verb = verb<readonly [string], GdbFlags>({
  name: "gdb",
  describe: "debug a recorded rv64 guest with GDB, backwards too",
  arguments: [{ syntax: "<trace>", describe: "a .orrery trace" }],
  options: [
    { flags: "--vm <id>", describe: "the VM whose guest is debugged" },
    {
      flags: "--port <p>",
      describe: `port on 127.0.0.1, 0: any free one (default: ${DEFAULT_PORT})`,
      parse: parsePort,
    },
    inputsOption,
  ],
  examples: [
    {
      command: "orrery gdb rv64-hello-3.orrery --vm worker",
      describe:
        "Waits for a debugger, at the guest's first instruction. In another window: " +
        "gdb-multiarch worker.elf -ex 'target remote :1234'; then break, continue, " +
        "reverse-continue, reverse-stepi, watch; `monitor help` tells more.",
    },
    {
      command: "orrery gdb rv64-hello-3.orrery --vm worker --port 0",
      describe: "On any free port.",
    },
  ],
  output: {
    type: "object",
    description: "Printed as soon as a debugger can connect.",
    required: ["vm", "host", "port", "harts", "begin", "end"],
    properties: {
      vm: { type: "string" },
      host: { type: "string" },
      port: { type: "integer" },
      harts: { type: "integer", description: "GDB's threads, in this order." },
      begin: { type: "integer", description: "First place, as `monitor goto` takes it." },
      end: { type: "integer", description: "Last place." },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run: (context, [file], options) =>
    withRun(context, file, options, (opened) => debug(context, opened, options)),
});

function parsePort(text: string): Parsed<number> {
  const parsed = parseCount(text);
  return parsed.ok && parsed.value <= MOST_PORT
    ? parsed
    : { ok: false, expected: `a port, 0 to ${MOST_PORT}` };
}

const REAL_GUEST = "rv64";

async function debug(
  context: Context,
  opened: OpenRun,
  { vm, port = DEFAULT_PORT }: GdbFlags,
): Promise<ExitCode> {
  const { run, builder } = opened;
  const isReal = (id: string): boolean => builder.guestSpec(id).kind === REAL_GUEST;
  const real = builder.vms.filter(isReal);
  const known = real.length === 0 ? "this run has none" : `one of ${real.join(", ")}`;
  if (vm === undefined) return context.usage(`--vm names a VM (${known})`);
  if (!builder.vms.includes(vm)) return context.usage(`no VM is named ${vm} (${known})`);
  if (!isReal(vm)) return context.usage(`the guest of ${vm} is no real machine (${known})`);
  const { openGuest, serveGdb } = await import("../../traces/index.ts");
  const config = builder.guestSpec(vm).config as unknown as MachineConfig;
  const guest = openGuest({ run, builder, vm, config, machines: builder.machines });
  if (!guest.ok && guest.code === "no-log") return context.usage(`${vm}: ${guest.message}`);
  if (!guest.ok) return diverged(context, guest.message);
  const { target } = guest;
  const onListening = (used: number): void => announce(context, opened, vm, target, used);
  const served = await serveGdb({ target, port, signal: context.signal, onListening });
  return ended(context, served, port);
}

function announce(
  context: Context,
  opened: OpenRun,
  vm: string,
  { harts, begin, end }: DebugTarget,
  port: number,
): void {
  const vms = opened.document.vms.find(({ id }) => id === vm)!;
  const { file } = vms.guest as { readonly file: string };
  const isElf = file.endsWith(".elf");
  context.print(`${vm}: ${harts} harts, places ${begin} to ${end}; waiting on 127.0.0.1:${port}`);
  context.print(`gdb-multiarch ${isElf ? `${file} ` : ""}-ex 'target remote :${port}'`);
  if (!isElf) context.print("(symbols: `file vmlinux` of the same kernel)");
  context.result({ vm, host: "127.0.0.1", port, harts, begin, end, ...traceStatus(opened) });
}

function ended(context: Context, served: GdbServed, port: number): ExitCode {
  switch (served.kind) {
    case "left":
      context.print(`the debugger has left after ${served.packets} packets`);
      return EXIT.fine;
    case "interrupted":
      return EXIT.interrupted;
    case "port-unavailable":
      return context.missing(`port ${port} cannot be used: ${served.message}; try --port 0`);
    case "diverged":
      return diverged(context, served.message);
  }
}

function diverged(context: Context, message: string): ExitCode {
  context.warn(`divergence: ${message}`);
  return EXIT.divergence;
}
