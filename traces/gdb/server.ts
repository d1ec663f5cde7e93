/**
 * A debugger's way to a recorded machine: one connection from this computer, served until the debugger
 * leaves. Never listens on anything but the loopback address.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type DebugTarget, Diverged } from "../debugging/index.ts";
import { Session } from "./session.ts";

const LOOPBACK = "127.0.0.1";

export interface GdbServerOptions {
  readonly target: DebugTarget;
  /** 0: any free one. */
  readonly port: number;
  readonly signal: AbortSignal;
  readonly onListening: (port: number) => void;
}

export type GdbServed =
  | { readonly kind: "left"; readonly packets: number }
  | { readonly kind: "interrupted"; readonly packets: number }
  | { readonly kind: "port-unavailable"; readonly message: string }
  | { readonly kind: "diverged"; readonly message: string };

export async function serveGdb(options: GdbServerOptions): Promise<GdbServed> {
  const server = createServer({ noDelay: true });
  const failure = await listen(server, options.port);
  if (failure !== undefined) return { kind: "port-unavailable", message: failure };
  const { signal } = options;
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  signal.addEventListener("abort", stop);
  try {
    if (signal.aborted) return { kind: "interrupted", packets: 0 };
    options.onListening((server.address() as AddressInfo).port);
    const served = await serveOne(server, options.target, controller.signal);
    return signal.aborted ? { kind: "interrupted", packets: served.packets } : served.outcome;
  } finally {
    signal.removeEventListener("abort", stop);
    server.close();
  }
}

/** What kept it from listening, if anything. */
function listen(server: Server, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(undefined));
  });
}

interface Served {
  readonly packets: number;
  readonly outcome: GdbServed;
}

/** The first to connect is served; whoever comes meanwhile is turned away. */
function serveOne(server: Server, target: DebugTarget, signal: AbortSignal): Promise<Served> {
  return new Promise((resolve, reject) => {
    let session: Session | undefined;
    const finish = (outcome?: GdbServed): void => {
      const packets = session?.packets ?? 0;
      session?.end();
      resolve({ packets, outcome: outcome ?? { kind: "left", packets } });
    };
    signal.addEventListener("abort", () => finish());
    server.on("connection", (socket: Socket) => {
      socket.on("error", () => socket.destroy());
      if (session !== undefined || signal.aborted) return void socket.destroy();
      const opened = new Session(target, {
        send: (bytes) => void socket.write(bytes),
        close: () => {
          socket.end();
          finish();
        },
      });
      session = opened;
      socket.on("close", () => finish());
      socket.on("data", (bytes) => {
        opened.receive(bytes).catch((thrown: unknown) => {
          if (!(thrown instanceof Diverged)) reject(thrown);
          else finish({ kind: "diverged", message: thrown.message });
          socket.destroy();
        });
      });
    });
  });
}
