/**
 * A whole boot of Debian's kernel in a simulated world, to its shell and to power-off, is the same
 * whatever must not matter: over a repeat, in slices of 1,000, 7,919 and 10,000,000 instructions, and
 * going on from snapshots at random instants, put back into the same world or carried to a new one.
 * Held against the first run: console bytes, instructions executed, output hash, root. Exit 5 on a
 * difference, 4 when Debian's files are missing.
 * Usage: npx tsx scripts/debian-snapshots.ts [--points 50] [--seed 1] [--vcpus 1]
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import fc from "fast-check";
import {
  captureWorld,
  decodeImage,
  encodeImage,
  hashHex,
  restoreWorld,
  type World,
} from "../core/kernel/index.ts";
import { type MachineEntity, vmOf, vmRecordOf } from "../core/vmm/index.ts";
import { createBuilder, prepareDocument, type ReadyScenario } from "../scenarios/index.ts";
import { commandLine, fetchDebian } from "../scenarios/debian/index.ts";

const { values } = parseArgs({
  options: {
    points: { type: "string", default: "50" },
    seed: { type: "string", default: "1" },
    vcpus: { type: "string", default: "1" },
  },
});

const FOLDER = "cache:debian-trixie-riscv64";
const SLICES = [10_000_000, 7_919, 1_000];
const MOST_NS = 10_000_000_000;
const DIVERGED = 5;
const MISSING = 4;

const document = {
  name: "debian-snapshots",
  seed: 1,
  durationMs: MOST_NS / 1e6,
  hosts: [{ id: "alpha", cores: 4, memoryMiB: 4_096 }],
  vms: [
    {
      id: "guest",
      host: "alpha",
      memoryMiB: 128,
      vcpus: Number(values.vcpus),
      guest: {
        kind: "rv64" as const,
        file: `${FOLDER}/kernel`,
        initrd: `${FOLDER}/initrd.cpio`,
        commandLine: commandLine([]),
        rngSeed: "4f72726572792064657465726d696e69737469632062757420756e6775657373",
        instructionsPerSecond: 1_000_000_000,
        typed: ["uname -sm", "poweroff -f"].map((line) => ({ waitFor: "# ", text: `${line}\n` })),
      },
    },
  ],
};

type Outcome = {
  readonly console: string;
  readonly consoleBytes: number;
  readonly progress: number;
  readonly output: string;
  readonly root: string;
  readonly endNs: number;
};

class Boot {
  readonly #scenario: ReadyScenario;
  readonly #slice: number;
  world: World;
  text = "";
  #progress = 0;

  constructor(scenario: ReadyScenario, slice: number) {
    this.#scenario = scenario;
    this.#slice = slice;
    this.world = this.#fresh();
  }

  #fresh(): World {
    const { document: resolved, inputs, own } = this.#scenario;
    const world = createBuilder(resolved, inputs, own, [], this.#slice).build({ seed: 1 });
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "console-output") this.text += String(data["text"]);
      const input = data["input"] as { readonly kind: string } | undefined;
      if (kind === "boundary" && input?.kind === "end") this.#progress = data["step"] as number;
    };
    return world;
  }

  /** Power-off is the end, if it comes before. */
  runTo(untilNs: number): void {
    this.world.run({ untilNs });
  }

  /** Goes on from here after it was elsewhere. */
  returnTo(ahead: number): void {
    const [image, text] = [captureWorld(this.world), this.text];
    this.runTo(this.world.timeNs + ahead);
    restoreWorld(this.world, image);
    this.text = text;
  }

  moveElsewhere(): void {
    const delta = structuredClone(encodeImage(this.world, captureWorld(this.world), undefined));
    this.world = this.#fresh();
    restoreWorld(this.world, decodeImage(this.world, delta, undefined));
  }

  dropCaches(): void {
    const machine = vmOf(vmRecordOf(this.world, "guest")) as unknown as MachineEntity | undefined;
    const memory = machine && this.world.memories.get(`${machine.name}#ram`);
    (memory?.backing as { engine: { dropCaches(): void } } | undefined)?.engine.dropCaches();
  }

  finish(): Outcome {
    this.runTo(MOST_NS);
    this.world.finish();
    return {
      console: createHash("sha256").update(this.text, "latin1").digest("hex").slice(0, 16),
      consoleBytes: this.text.length,
      progress: this.#progress,
      output: vmRecordOf(this.world, "guest").durable.outputs.hash,
      root: hashHex(this.world.root()),
      endNs: this.world.timeNs,
    };
  }
}

function fromSnapshots(scenario: ReadyScenario, endNs: number): Outcome {
  const count = Number(values.points);
  const instant = fc.integer({ min: 1, max: endNs });
  const instants = fc.sample(instant, { numRuns: count, seed: Number(values.seed) });
  const boot = new Boot(scenario, 10_000_000);
  for (const [at, untilNs] of instants.sort((a, b) => a - b).entries()) {
    boot.runTo(untilNs);
    if (at % 3 === 0) boot.moveElsewhere();
    else boot.returnTo(3_000_000);
    if (at % 5 === 0) boot.dropCaches();
  }
  return boot.finish();
}

async function main(): Promise<void> {
  const fetched = fetchDebian();
  if (!fetched.ok) {
    console.error(fetched.missing);
    process.exitCode = MISSING;
    return;
  }
  const prepared = await prepareDocument(document, "debian-snapshots.json");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  const { scenario } = prepared;
  const timed = (what: string, run: () => Outcome): Outcome => {
    const start = performance.now();
    const outcome = run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${what}: ${JSON.stringify(outcome)} in ${seconds} s`);
    return outcome;
  };
  const first = timed("first", () => new Boot(scenario, SLICES[0]!).finish());
  const others = SLICES.map((slice) =>
    timed(`slice ${slice}`, () => new Boot(scenario, slice).finish()),
  );
  const what = `${values.points} snapshots`;
  others.push(timed(what, () => fromSnapshots(scenario, first.endNs)));
  const differing = others.filter((each) => JSON.stringify(each) !== JSON.stringify(first));
  console.log(`${others.length - differing.length} of ${others.length} equal the first run`);
  if (differing.length > 0) process.exitCode = DIVERGED;
}

await main();
