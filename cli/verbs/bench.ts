/** `orrery bench`: runs the benchmarks in a process of their own, so that nothing disturbs them. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { type Verb, verb } from "../verb.ts";

const benchmarks = (): string =>
  fileURLToPath(new URL("../../reports/bench/main.ts", import.meta.url));

export const bench: Verb = verb<readonly [readonly string[]], { readonly long?: boolean }>({
  name: "bench",
  describe: "run the benchmarks; each figure is held against its goal",
  arguments: [{ syntax: "[names...]", describe: "these alone, for instance hold or seek" }],
  options: [{ flags: "--long", describe: "with a run of 10^8 events" }],
  examples: [
    { command: "orrery bench", describe: "All of them; takes some minutes." },
    { command: "orrery bench seek --json", describe: "One, as JSON." },
  ],
  output: {
    type: "object",
    required: ["node", "rows"],
    properties: {
      node: { type: "string", description: "Version of Node." },
      rows: { type: "array", items: { type: "object" } },
    },
  },
  async run(context, [names], { long = false }) {
    const flags = [...(context.json ? ["--json"] : []), ...(long ? ["--long"] : [])];
    const { code, stdout, stderr } = await runBenchmarks(context, [...names, ...flags]);
    if (context.signal.aborted) return EXIT.interrupted;
    if (code === EXIT.usage) return context.usage(stderr.trim());
    if (code !== 0) throw new Error(`the benchmarks ended with ${code}: ${stderr.trim()}`);
    if (context.json) context.result(JSON.parse(stdout) as object);
    else context.print(stdout.trimEnd());
    return EXIT.fine;
  },
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runBenchmarks(context: Context, words: readonly string[]): Promise<Ended> {
  const loader = import.meta.resolve("tsx");
  const child = spawn(process.execPath, ["--import", loader, benchmarks(), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = (): void => void child.kill();
  context.signal.addEventListener("abort", stop, { once: true });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    context.progress.update(text.trim());
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      context.signal.removeEventListener("abort", stop);
      resolve({ code, stdout, stderr });
    });
  });
}
