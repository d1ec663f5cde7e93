/**
 * The determinism audit: every ready scenario is run twice in processes that differ in everything
 * that must not matter, replayed once, and run with snapshots restored at random events. One root.
 * Prints a line a check and closes with `N passed, N failed`.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  captureWorld,
  decodeImage,
  diffWorlds,
  encodeImage,
  hashHex,
  restoreWorld,
  type World,
} from "../core/kernel/index.ts";
import { createBuilder, prepareScenario } from "../scenarios/index.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ORRERY = join(ROOT, "cli", "bin.mjs");
const SNAPSHOTS = 20;

if (process.argv.includes("--help")) {
  process.stdout.write(
    "npm run audit:determinism holds every ready scenario to one root: run in two processes that\n" +
      "differ in all that must not matter, replayed, and with snapshots restored at random events.\n" +
      "Exit 1: a root differs.\n",
  );
  process.exit(0);
}

let passed = 0;
let failed = 0;

function check(name: string, good: boolean, detail = ""): void {
  if (good) passed++;
  else failed++;
  process.stdout.write(
    `${good ? "ok    " : "FAILED"} ${name}${detail === "" ? "" : `: ${detail}`}\n`,
  );
}

/** Files that run a scenario when they are the main module. */
function readyScenarios(): string[] {
  return ["scenarios", "scenarios/ready", "docs"].flatMap((folder) => {
    const path = join(ROOT, folder);
    return list(path)
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .map((name) => join(path, name))
      .filter((file) => readFileSync(file, "utf8").includes("await runIfMain(import.meta)"));
  });
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

interface Outcome {
  readonly root: string;
}

/** `orrery ...ARGS --json` in a process of its own; a violation is an outcome like another. */
function orrery(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Outcome {
  try {
    const text = execFileSync(process.execPath, [ORRERY, ...args, "--json"], {
      cwd,
      env: { ...process.env, ...env },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1 << 28,
    });
    return JSON.parse(text) as Outcome;
  } catch (error) {
    const { stdout } = error as { stdout?: string };
    return JSON.parse(stdout ?? "{}") as Outcome;
  }
}

/** A small generator of its own: where snapshots are put is no part of the simulated world. */
function* places(last: number): Generator<number> {
  let state = 12_345;
  for (let i = 0; i < SNAPSHOTS; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state % last;
  }
}

async function auditSnapshots(file: string, name: string, expected: string): Promise<void> {
  const prepared = await prepareScenario(file);
  if (!prepared.ok) return check(`${name}: loads`, false, prepared.problems[0]!.message);
  const { document, inputs, own } = prepared.scenario;
  const builder = createBuilder(document, inputs, own);
  const build = (): World => builder.build({ seed: document.seed });
  const straight = build();
  straight.run({ untilNs: builder.durationNs });
  const events = straight.eventCount;
  straight.finish();
  check(`${name}: in this process`, hashHex(straight.root()) === expected);
  const stops = [...new Set(places(events))].sort((a, b) => a - b);
  const inPlace = build();
  let moved = build();
  const initial = captureWorld(moved);
  for (const event of stops) {
    inPlace.run({ untilNs: builder.durationNs, untilEvent: event });
    restoreWorld(inPlace, captureWorld(inPlace));
    inPlace.queue.rebuildIndex();
    moved.run({ untilNs: builder.durationNs, untilEvent: event });
    const fresh = build();
    const delta = structuredClone(encodeImage(moved, captureWorld(moved), initial));
    restoreWorld(fresh, decodeImage(fresh, delta, captureWorld(fresh)));
    moved = fresh;
  }
  for (const [kind, world] of [
    ["restored in place", inPlace],
    ["carried to fresh worlds", moved],
  ] as const) {
    world.run({ untilNs: builder.durationNs });
    world.finish();
    const same = world.root() === straight.root();
    const first = same ? "" : (diffWorlds(straight, world)[0]?.path ?? "no field differs");
    check(`${name}: ${stops.length} snapshots ${kind}`, same, first);
  }
}

async function audit(file: string, folder: string): Promise<void> {
  const name = file.slice(ROOT.length);
  const trace = join(folder, "trace.orrery");
  const first = orrery(["run", file, "--out", trace], {}, folder);
  const elsewhere = { TZ: "Pacific/Kiritimati", LANG: "de_DE.UTF-8", HOME: folder };
  const second = orrery(["run", file, "--no-trace"], elsewhere, tmpdir());
  const same = first.root !== undefined && first.root === second.root;
  check(`${name}: another process, zone, language, home and folder, no trace`, same);
  const replayed = orrery(["replay", trace], {}, folder);
  check(`${name}: replayed`, replayed.root === first.root);
  await auditSnapshots(file, name, first.root);
}

const folder = mkdtempSync(join(tmpdir(), "orrery-audit-"));
try {
  const files = readyScenarios();
  check("there are ready scenarios", files.length > 0);
  for (const file of files) await audit(file, folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
