/** A run that is stopped from outside, through the real command: Ctrl-C, and kill -9. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { EXIT } from "./exit-codes.ts";
import { asJson } from "./testing/command.ts";
import { smallScenario } from "./testing/small-scenario.ts";

const bin = fileURLToPath(new URL("bin.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "orrery-stopped-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** By then a snapshot is in the trace, to which a killed run is salvaged. */
const ENOUGH_BYTES = 300_000;
const [vm] = smallScenario.vms;
const [phase] = vm!.guest.phases;
const endless = {
  ...smallScenario,
  name: "endless",
  durationMs: 3_600_000,
  vms: [{ ...vm, guest: { ...vm!.guest, phases: [{ ...phase, durationMs: 3_600_000 }] } }],
};

interface Stopped {
  readonly code: number | null;
  readonly by: NodeJS.Signals | null;
  readonly stderr: string;
}

async function stop(trace: string, signal: NodeJS.Signals): Promise<Stopped> {
  const scenario = join(folder, "endless.json");
  writeFileSync(scenario, JSON.stringify(endless));
  const run = spawn(process.execPath, [bin, "run", scenario, "-o", trace], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  run.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<Stopped>((resolve) =>
    run.on("close", (code, by) => resolve({ code, by, stderr })),
  );
  const written = setInterval(() => {
    if (!existsSync(trace) || statSync(trace).size < ENOUGH_BYTES) return;
    clearInterval(written);
    run.kill(signal);
  }, 20);
  return ended;
}

test("Ctrl-C closes the trace: exit 130, and it replays to where it ended", async () => {
  const trace = join(folder, "interrupted.orrery");
  expect(await stop(trace, "SIGINT")).toMatchObject({ code: EXIT.interrupted, by: null });
  const { code, value } = await asJson(["replay", trace]);
  expect([code, value["verified"], value["status"]]).toEqual([EXIT.fine, true, "whole"]);
}, 180_000);

test("kill -9 leaves a trace that is salvaged: exit 3, and what it has is verified", async () => {
  const trace = join(folder, "killed.orrery");
  expect(await stop(trace, "SIGKILL")).toMatchObject({ by: "SIGKILL" });
  const { code, value } = await asJson(["replay", trace]);
  expect([code, value["verified"], value["status"]]).toEqual([EXIT.damaged, true, "salvaged"]);
  expect(value["events"]).toBeGreaterThan(10_000);
}, 180_000);
