/** What `orrery run` was asked to do, checked: the engine gets this and nothing else. */
import type { Problem, ReadyScenario } from "../../scenarios/index.ts";

/** Options as the command line gives them. */
export interface RunOptions {
  readonly seed?: number;
  readonly entropy?: "os";
  /** Nanoseconds. */
  readonly until?: number;
  readonly set?: readonly string[];
  readonly out?: string;
  readonly log?: "full" | "seed";
  readonly trace: boolean;
  readonly check?: boolean;
  readonly console?: boolean;
}

export interface RunRequest {
  readonly scenario: ReadyScenario;
  /** The scenario file and the settings as they were given. */
  readonly file: string;
  readonly settings: readonly string[];
  readonly entropy: "seed" | "os";
  /** The run ends at this simulated time. */
  readonly untilNs: number;
  /** Trace file; absent = none is written. */
  readonly out?: string;
  readonly log: "full" | "seed";
  /** Lines typed on stdin are commands to the driver. */
  readonly console: boolean;
}

export type RunRequested =
  | { readonly ok: true; readonly request: RunRequest }
  | { readonly ok: false; readonly reason: "usage"; readonly message: string }
  | { readonly ok: false; readonly reason: "input"; readonly problems: readonly Problem[] };

function conflict({ trace, out, log, entropy }: RunOptions): string | undefined {
  if (!trace && out !== undefined) return "--no-trace and --out do not go together";
  if (!trace && log !== undefined) return "--no-trace and --log do not go together";
  if (entropy === "os" && log === "seed") {
    return "--entropy os needs --log full: no seed predicts what the operating system gives";
  }
  return undefined;
}

/** Checks options and document. Reads the scenario file, writes nothing. */
export async function requestRun(file: string, options: RunOptions): Promise<RunRequested> {
  const message = conflict(options);
  if (message !== undefined) return { ok: false, reason: "usage", message };
  const { prepareScenario } = await import("../../scenarios/index.ts");
  const loaded = await prepareScenario(file, {
    settings: options.set ?? [],
    ...(options.seed !== undefined && { seed: options.seed }),
  });
  if (!loaded.ok) return { ok: false, reason: "input", problems: loaded.problems };
  const { scenario } = loaded;
  const { name, seed, durationMs } = scenario.document;
  const endNs = Math.floor(durationMs * 1e6);
  const untilNs = options.until ?? endNs;
  if (untilNs > endNs) {
    const late = `--until is after the scenario's end, durationMs ${durationMs}`;
    return { ok: false, reason: "usage", message: `${late}; --set /durationMs=... moves it` };
  }
  const out = options.out ?? `${name}-${seed}.orrery`;
  const entropy = options.entropy ?? "seed";
  const log = options.log ?? "full";
  const request: RunRequest = {
    scenario,
    file,
    settings: options.set ?? [],
    entropy,
    untilNs,
    log,
    console: options.console === true,
    ...(options.trace && { out }),
  };
  return { ok: true, request };
}
