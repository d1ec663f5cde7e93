/**
 * Random programs on real machines that are saved, restored and moved in every way, again and again:
 * wherever they are looked at (registers, pages that are there, devices, by instructions executed), and
 * in what they put out, they are what the same program is that nobody disturbed. After each restore and
 * each move their registers are compared instruction by instruction.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { canonicalBytes, fromMs, hash64, type World } from "../../core/kernel/index.ts";
import { rv64 } from "../../core/guest/index.ts";
import {
  BOUNDARY_NOTICE,
  clientBitmap,
  knownMemory,
  LoneMachine,
  type MachineEntity,
  type MachineEntry,
  vmOf,
  vmRecordOf,
} from "../../core/vmm/index.ts";
import {
  createBuilder,
  prepareDocument,
  type ScenarioBuilder,
  type ScenarioDocument,
} from "../../scenarios/index.ts";
import { random, type Random } from "../testing/random.ts";
import { randomProgram } from "../testing/random-program.ts";
import { violations } from "../testing/crash-points.ts";

type Entry = { readonly [member: string]: unknown };
const HOSTS = ["alpha", "beta"] as const;
const PAGES = 512;
const END_MS = 3_000;
/** One instruction at 1 MIPS; a step while it stands; how many are looked at singly after that. */
const INSTRUCTION_NS = 1_000;
const STANDING_NS = 4_000;
const LOOKED_AT_SINGLY = 400;

const folder = mkdtempSync(join(tmpdir(), "programs-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function builderOf(seed: number, timeline: readonly Entry[]): Promise<ScenarioBuilder> {
  const file = join(folder, `${seed}.elf`);
  writeFileSync(file, randomProgram(seed, 160));
  const document = {
    name: "random-program",
    seed: 1,
    durationMs: END_MS,
    hosts: HOSTS.map((id) => ({ id, cores: 2, memoryMiB: 1_024 })),
    arrays: [{ id: "array", readLatencyUs: 100, writeLatencyUs: 80 }],
    links: [{ between: HOSTS }, ...HOSTS.map((id) => ({ between: [id, "array"] }))],
    vms: [
      {
        id: "m",
        host: "alpha",
        memoryMiB: 2,
        guest: { kind: "rv64", file, instructionsPerSecond: 1_000_000 },
      },
    ],
    timeline,
  } as unknown as ScenarioDocument;
  const prepared = await prepareDocument(document, "random-program");
  if (!prepared.ok) throw new Error(JSON.stringify(prepared.problems));
  const { document: whole, inputs, own } = prepared.scenario;
  return createBuilder(whole, inputs, own, []);
}

/** What a machine was after so many instructions. */
type Sample = {
  readonly progress: number;
  readonly retired: bigint;
  readonly registers: bigint;
  readonly devices: bigint;
  /** Of each page a hash of its bytes; undefined: it is not there yet. None: of registers only. */
  readonly pages: readonly (bigint | undefined)[];
};

/** What an access stopped for that has not happened is no state of the machine. */
function registersOf(engine: rv64.Engine): bigint {
  const block = engine.readHart(0).slice();
  block.fill(0, rv64.layout.HART_EXIT_KIND, rv64.layout.HART_EXIT_LENGTH + 8);
  return hash64(block);
}

function registersSample({ engine, state }: rv64.Board): Sample {
  const word = (offset: number): bigint => engine.word(0, offset);
  return {
    progress: state.progress,
    retired: word(rv64.layout.HART_PROGRESS) - word(rv64.layout.HART_TRAPPED),
    registers: registersOf(engine),
    devices: hash64(canonicalBytes(state)),
    pages: [],
  };
}

const pagesOf = ({ engine }: rv64.Board, isAbsent: (page: number) => boolean): Sample["pages"] =>
  Array.from({ length: PAGES }, (_, page) => {
    const bytes = engine.ram.subarray(page * 4_096, (page + 1) * 4_096);
    return isAbsent(page) ? undefined : hash64(bytes);
  });

/** The board of the run as it stands, and the pages that are not there; undefined: it is nowhere. */
function boardOf(world: World) {
  const machine = vmOf(vmRecordOf(world, "m")) as unknown as MachineEntity | undefined;
  if (machine === undefined || machine.volatile.board === null) return undefined;
  const { engine } = world.memories.get(`${machine.name}#ram`)!.backing as unknown as {
    readonly engine: rv64.Engine;
  };
  const state = machine.volatile.board as unknown as rv64.BoardState;
  const isAbsent = (): ((page: number) => boolean) => {
    const memory = knownMemory(machine);
    const absent = (memory?.volatile.clients ?? [])
      .filter(({ keeps, mode, owner }) => keeps && mode === "accesses" && owner >= 0)
      .map(({ name }) => clientBitmap(memory!, name, "armed"));
    return (page) => absent.some((each) => each.has(page));
  };
  return { board: { engine, state } as rv64.Board, isAbsent };
}

type Planted = (world: World) => void;

/** Runs a program and looks at it now and then. `planted`: when it goes on after `wake`. */
async function lived(seed: number, timeline: readonly Entry[], planted?: Planted) {
  const builder = await builderOf(seed, timeline);
  const world = builder.build({ seed: 1 });
  const samples: Sample[] = [];
  const outcomes: string[] = [];
  const entries: MachineEntry[] = [];
  let plantFromNs = Infinity;
  let [absentPages, singly, lookedAtSingly] = [0, 0, 0];
  /** Whether it has gone on since it was looked at last. */
  const look = (what: "all" | "registers" = "all"): boolean => {
    const found = boardOf(world);
    const last = samples.at(-1)?.progress;
    if (found === undefined || found.board.state.progress === last) return false;
    const sample = registersSample(found.board);
    const pages = what === "all" ? pagesOf(found.board, found.isAbsent()) : [];
    absentPages += pages.filter((each) => each === undefined).length;
    if (sample.progress - 1 === last) lookedAtSingly++;
    samples.push({ ...sample, pages });
    return true;
  };
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === BOUNDARY_NOTICE) {
      const entry = structuredClone(data) as unknown as MachineEntry;
      entries.push(entry);
      if (entry.input.kind === "end") look();
    }
    const { id, outcome, event } = data as { id?: string; outcome?: string; event?: string };
    if (kind === "lifecycle" && (event === "resumed" || event === "migrated")) {
      singly = LOOKED_AT_SINGLY;
    }
    if (kind !== "operation-end" || id === undefined || id.includes(".")) return;
    outcomes.push(`${id} ${outcome}`);
    if (id === "wake") plantFromNs = world.timeNs + fromMs(3);
  };
  const step = (atMs: number): boolean => {
    const untilNs = fromMs(atMs);
    return world.run({ untilNs, untilEvent: world.eventCount + 1 }) === "event";
  };
  let nowNs = 0;
  for (let lookMs = 3; lookMs < END_MS; nowNs = Math.max(nowNs, world.timeNs)) {
    if (singly > 0) {
      const hasGoneOn = look("registers");
      if (hasGoneOn) singly--;
      nowNs += hasGoneOn ? INSTRUCTION_NS : STANDING_NS;
      world.run({ untilNs: nowNs });
    } else if (!step(lookMs)) {
      look();
      lookMs = Math.max(lookMs, nowNs / 1e6) + 7.3;
    }
    if (world.timeNs > plantFromNs) {
      planted?.(world);
      planted = undefined;
    }
    if (entries.at(-1)?.input.kind === "end" && outcomes.length === timeline.length) break;
  }
  world.run({ untilNs: fromMs(END_MS) });
  world.finish();
  return { builder, world, samples, outcomes, entries, absentPages, lookedAtSingly };
}

type Lived = Awaited<ReturnType<typeof lived>>;

/** Where it is not what the program is by itself, as text. */
function difference({ builder, samples, entries, world }: Lived): string | undefined {
  const lone = new LoneMachine(builder.guestSpec("m"), builder.machines);
  lone.take(entries[0]!);
  for (const sample of samples) {
    if (lone.board!.progress() > sample.progress) return `back at ${sample.progress}`;
    if (!lone.runTo(sample.progress)) return `on at ${sample.progress}, where it ends`;
    const own = registersSample(lone.board!);
    const pages = sample.pages.length === 0 ? [] : pagesOf(lone.board!, () => false);
    const at = `after ${sample.progress} instructions`;
    if (own.retired !== sample.retired) return `${at}: ${sample.retired} retired`;
    if (own.registers !== sample.registers) return `${at}: registers`;
    if (own.devices !== sample.devices) return `${at}: devices`;
    const page = sample.pages.findIndex((each, i) => each !== undefined && each !== pages[i]);
    if (page >= 0) return `${at}: page ${page}`;
  }
  if (lone.board!.state.halted === null) return "it has not ended";
  const { hash, bytes } = lone.outputs;
  const out = builder.outputs(world)["m"] as { readonly hash: string; readonly length: number };
  return out.hash === hash && out.length === bytes ? undefined : "outputs";
}

const SAVES = ["stop-and-copy", "copy-aside", "redirect", "lazy"] as const;
const WAKES = ["lazy", "eager", "working-set", "deferred"] as const;
const MOVES = ["pre-copy", "post-copy", "stop-and-copy"] as const;
const DISK = { vm: "m", on: "array", blockKiB: 16 } as const;

function moveEntry(by: Random, at: number, to: string, when: Entry): Entry {
  const algorithm = MOVES[at % MOVES.length]!;
  const maxMbps = by.pick([1_000, 4_000]);
  return {
    id: `move${at}`,
    ...when,
    do: "migrate",
    vm: "m",
    to,
    algorithm,
    minMbps: 800,
    maxMbps,
    startUpMs: 1,
  };
}

/** Saved now and then; or put to sleep and woken, saved and moved while it is not whole yet. */
function drawnTimeline(seed: number): readonly Entry[] {
  const by = random(seed + 1_000);
  const atMs = (from: number, to: number): number => from + by.below((to - from) * 100) / 100;
  const save = (id: string, from: number): Entry => {
    const method = SAVES[(seed + from) % SAVES.length];
    return { id, atMs: atMs(from, from + 20), do: "checkpoint", method, ...DISK };
  };
  const there = moveEntry(by, seed, "beta", { atMs: atMs(22, 32) });
  const back = moveEntry(by, seed + 1, "alpha", { after: `move${seed}.complete` });
  if (seed % 2 === 0) return [save("first", 1), there, back];
  const method = WAKES[(seed >> 1) % WAKES.length]!;
  const traced = method === "working-set" ? { workingSet: "traced", traceMs: 5 } : {};
  const sleep = { id: "sleep", atMs: atMs(5, 40), do: "suspend", ...traced, ...DISK };
  const wake = { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array" };
  return [
    sleep,
    { ...wake, method, ...(method !== "eager" && { readsAtOnce: 1 }) },
    { ...save("again", 1), atMs: undefined, after: "wake.goesOn", delayMs: 0.2 },
    moveEntry(by, seed, "beta", { after: "wake.complete" }),
    back,
  ];
}

/** How each entry was to be done, of those that came to their end. */
const doneOf = (timeline: readonly Entry[], outcomes: readonly string[]): string[] =>
  timeline.flatMap(({ id, do: does, method, algorithm }) =>
    outcomes.includes(`${String(id)} complete`) ? [`${String(does)} ${method ?? algorithm}`] : [],
  );

/** Alters what was brought back. */
const planting =
  (change: (engine: rv64.Engine) => void): Planted =>
  (world) => {
    const machine = vmOf(vmRecordOf(world, "m"))!;
    const { backing } = world.memories.get(`${machine.name}#ram`)!;
    change((backing as unknown as { readonly engine: rv64.Engine }).engine);
  };

describe("a random program", () => {
  it("is what it is by itself, wherever it was saved, restored and moved", async () => {
    let [absent, looks, singly] = [0, 0, 0];
    const done = new Set<string>();
    for (let seed = 0; seed < 8; seed++) {
      const timeline = drawnTimeline(seed);
      const run = await lived(seed, timeline);
      expect(violations(run.world), `seed ${seed}`).toEqual([]);
      expect(difference(run), `seed ${seed}`).toBeUndefined();
      absent += run.absentPages;
      looks += run.samples.length;
      singly += run.lookedAtSingly;
      for (const each of doneOf(timeline, run.outcomes)) done.add(each);
    }
    expect(looks - singly).toBeGreaterThan(80);
    expect(singly).toBeGreaterThan(5_000);
    expect(absent).toBeGreaterThan(500);
    for (const each of SAVES) expect(done).toContain(`checkpoint ${each}`);
    for (const each of WAKES) expect(done).toContain(`resume ${each}`);
    for (const each of MOVES) expect(done).toContain(`migrate ${each}`);
  }, 60_000);

  it("canary: a register, or a page, that is not what was saved is found", async () => {
    const register = rv64.layout.HART_X + 5 * 8;
    const changes: readonly (readonly [RegExp, Planted])[] = [
      [/registers/, planting((engine) => engine.setWord(0, register, ~engine.word(0, register)))],
      [/page 20$/, planting((engine) => engine.writeRam(20 * 4_096 + 100, Uint8Array.of(1)))],
    ];
    for (const [found, planted] of changes) {
      expect(difference(await lived(3, drawnTimeline(3), planted))).toMatch(found);
    }
  });
});
