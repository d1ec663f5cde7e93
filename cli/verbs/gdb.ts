/** `orrery gdb`: GDB's remote protocol on a recorded real guest, forwards and backwards, loopback only. */
import { createServer, type Server, type Socket } from "node:net";
import type { MachineConfig } from "../../core/vmm/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Parsed } from "../time.ts";
import { parseCount, type Verb, verb } from "../verb.ts";
import { breathe, type InputFolders, inputsOption, type OpenRun, withRun } from "./with-run.ts";

interface GdbFlags extends InputFolders {
  readonly vm?: string;
  readonly port?: number;
}

const LOOPBACK = "127.0.0.1";

export const gdb: Verb = verb<readonly [string], GdbFlags>({
  name: "gdb",
  describe: "a GDB remote stub with reverse execution on a recorded rv64 guest",
  arguments: [{ syntax: "<trace>", describe: "a .orrery trace" }],
  options: [
    { flags: "--vm <id>", describe: "the VM whose guest is debugged" },
    {
      flags: "--port <p>",
      describe: "TCP port on the loopback; 0 = any (default)",
      parse: parsePort,
    },
    inputsOption,
  ],
  examples: [
    {
      command: "orrery gdb debian-boot-1.orrery --vm client --port 1234",
      describe: "then: gdb-multiarch -ex 'target remote :1234' -ex 'reverse-stepi'",
    },
  ],
  output: {
    type: "object",
    required: ["vm", "port", "progress"],
    properties: {
      vm: { type: "string" },
      port: { type: "integer" },
      progress: { type: "integer", description: "Of the end of the recording, where it begins." },
    },
  },
  run: (context, [file], options) =>
    withRun(context, file, options, (opened) => serve(context, opened, options)),
});

const MOST_PORT = 65_535;

function parsePort(text: string): Parsed<number> {
  const parsed = parseCount(text);
  return parsed.ok && parsed.value > MOST_PORT
    ? { ok: false, expected: `a port, at most ${MOST_PORT}` }
    : parsed;
}

async function serve(
  context: Context,
  { run, builder }: OpenRun,
  { vm, port = 0 }: GdbFlags,
): Promise<ExitCode> {
  const real = builder.vms.filter((each) => builder.guestSpec(each).kind === "rv64");
  if (vm === undefined || !real.includes(vm)) {
    const names = real.length === 0 ? "this run has none" : `one of ${real.join(", ")}`;
    return context.usage(`--vm names a VM with an rv64 guest (${names})`);
  }
  const { Debugger, GdbStub, RecordedMachine, Timeline } = await import("../../traces/index.ts");
  const timeline = new Timeline(run, builder);
  const machine = RecordedMachine.open(timeline, builder, vm);
  if (machine === undefined) return context.usage(`${vm} was never powered on`);
  const { board } = builder.guestSpec(vm).config as unknown as MachineConfig;
  const debugged = new Debugger(machine);
  const server = createServer();
  const listening = await listen(server, port);
  if (listening === undefined) return context.usage(`port ${port} cannot be listened on`);
  context.print(`${vm} at the end of run ${machine.run}, progress ${machine.end}`);
  context.print(`gdb-multiarch -ex 'target remote ${LOOPBACK}:${listening}'`);
  context.result({ vm, port: listening, progress: machine.end });
  while (!context.signal.aborted) {
    const socket = await connection(server, context.signal);
    if (socket === undefined) break;
    const session = new Session(socket, context.signal);
    const stub = new GdbStub(debugged, timeline, board.instructionsPerSecond, () =>
      session.isInterrupted(),
    );
    await session.talk(stub);
  }
  server.close();
  return context.signal.aborted ? EXIT.interrupted : EXIT.fine;
}

/** The port, or undefined when it is taken. */
function listen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(undefined));
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : undefined);
    });
  });
}

const POLL_MS = 100;

/** The next connection; undefined once the user has had enough. */
function connection(
  server: Server,
  signal: { readonly aborted: boolean },
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const finish = (socket: Socket | undefined): void => {
      clearInterval(timer);
      server.removeListener("connection", finish);
      resolve(socket);
    };
    const timer = setInterval(() => signal.aborted && finish(undefined), POLL_MS);
    server.once("connection", finish);
  });
}

type Answering = import("../../traces/index.ts").GdbStub;

/** One gdb at the other end. */
class Session {
  readonly #socket: Socket;
  readonly #signal: { readonly aborted: boolean };
  #arrived: Uint8Array[] = [];
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(socket: Socket, signal: { readonly aborted: boolean }) {
    this.#socket = socket;
    this.#signal = signal;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => {
      this.#arrived.push(bytes);
      this.#wake();
    });
    const close = (): void => {
      this.#isClosed = true;
      this.#wake();
    };
    socket.on("close", close);
    socket.on("error", close);
  }

  /** While a search goes on: Ctrl-C of gdb, or nobody is there any more. */
  async isInterrupted(): Promise<boolean> {
    await breathe();
    const at = this.#arrived.findIndex((bytes) => bytes.includes(3));
    if (at >= 0) this.#arrived.splice(at, 1);
    return at >= 0 || this.#isClosed || this.#signal.aborted;
  }

  async talk(stub: Answering): Promise<void> {
    const { gdbPacket, GdbReader } = await import("../../traces/index.ts");
    const reader = new GdbReader();
    let last = "";
    while (!this.#isClosed && !stub.isOver && !this.#signal.aborted) {
      const bytes = await this.#next();
      if (bytes === undefined) continue;
      for (const token of reader.take(bytes)) {
        if (token.kind === "nack") this.#socket.write(last, "latin1");
        if (token.kind === "damaged" && stub.acknowledges) this.#socket.write("-");
        if (token.kind !== "packet") continue;
        if (stub.acknowledges) this.#socket.write("+");
        const answer = await stub.answer(token.text);
        if (answer === undefined) break;
        last = gdbPacket(answer);
        this.#socket.write(last, "latin1");
      }
    }
    this.#socket.end();
  }

  #next(): Promise<Uint8Array | undefined> {
    const ready = this.#arrived.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake(), POLL_MS);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve(this.#arrived.shift());
      };
    });
  }
}
