// Both engines do the same on random machines of few registers and few addresses, each about one part of the
// architecture, so that what seldom meets in lockstep.test.ts meets all the time. Every program is a loop; traps go to a
// handler that counts them and returns behind the instruction.

import { describe, expect, test } from "vitest";
import * as arch from "./architecture.ts";
import { CompiledEngine } from "./compiled/index.ts";
import type { Engine } from "./engine.ts";
import { initialHart } from "./initial-state.ts";
import * as layout from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { difference } from "./testing/lockstep.ts";
import { TestRandom } from "./testing/random.ts";

const PAGE = layout.PAGE_BYTES;
const NONE = (1n << 64n) - 1n;
const OPTIONS = { ramBytes: 16 * PAGE, harts: 1 } as const;
const SEEDS = 100;
const INSTRUCTIONS = 400;

// The pages of RAM: the handler, page tables of the upper half, code on two, three sets of page tables, frames for data.
const UPPER = 1;
const CODE = 2;
const ROOT = 4;
const MIDDLE = 7;
const LEAF = 10;
const DATA = 13;
const FRAMES = [13, 14, 15] as const;

// Registers with a duty in every program: what the theme counts, a sum of what was seen, traps, the handler's own.
const COUNT = 20;
const OTHER = 21;
const SUM = 22;
const TRAPS = 30;
const HANDLER = 31;

const address = (page: number, offset = 0): bigint =>
  BigInt(layout.RAM_BASE + page * PAGE + offset);
const upper = (page: number): bigint => NONE - (1n << 31n) + 1n + BigInt((1 << 21) + page * PAGE);
const satpOf = (set: number): bigint => (8n << 60n) | (address(ROOT + set) >> 12n);
const pte = (page: number, flags: number): bigint =>
  ((address(page) >> 12n) << 10n) | BigInt(flags);
const USABLE = 0xcf;

/** An instruction by its fields; `top` are the upper twelve bits. */
const op = (opcode: number, rd: number, funct3: number, rs1: number, top: number): number =>
  (opcode | (rd << 7) | (funct3 << 12) | (rs1 << 15) | ((top & 0xfff) << 20)) >>> 0;

const addi = (rd: number, rs1: number, value: number): number => op(0x13, rd, 0, rs1, value);
const add = (rd: number, rs1: number, rs2: number): number => op(0x33, rd, 0, rs1, rs2);
const load = (funct3: number, rd: number, base: number, offset: number): number =>
  op(0x03, rd, funct3, base, offset);
const store = (funct3: number, value: number, base: number, offset: number): number =>
  op(0x23, offset & 31, funct3, base, (offset & 0xfe0) | value);
/** Kind 1 writes, 2 sets, 3 clears; from 5 on the same with a number in place of the register. */
const csr = (kind: number, rd: number, number: number, source: number): number =>
  op(0x73, rd, kind, source, number);
const atomic = (kind: number, width: number, rd: number, at: number, value: number): number =>
  op(0x2f, rd, width, at, (kind << 7) | value);
const loadReserved = (width: number, at: number): number => atomic(2, width, 16, at, 0);

/** `jal` to so many bytes before it, at most 2 KiB. */
const jumpBack = (bytes: number): number => (0x801ff06f | (((-bytes >> 1) & 0x3ff) << 21)) >>> 0;

const [ECALL, EBREAK, ILLEGAL] = [0x00000073, 0x00100073, 0x0000000b];
const FENCE_I = op(0x0f, 0, 1, 0, 0);
const MRET = 0x30200073;

const HANDLER_CODE = [
  csr(2, HANDLER, arch.CSR_MEPC, 0),
  addi(HANDLER, HANDLER, 4),
  csr(1, 0, arch.CSR_MEPC, HANDLER),
  addi(TRAPS, TRAPS, 1),
  MRET,
];

interface Machine {
  readonly code: readonly number[];
  /** Where the code begins, from the start of RAM. */
  readonly at?: number;
  readonly registers: Readonly<Record<number, bigint>>;
  readonly privilege?: number;
  readonly satp?: bigint;
  /** Where pages of the code lie, if not at their own place. */
  readonly frames?: Readonly<Record<number, number>>;
  /** Entries of the last level of page tables, by set. */
  readonly mapped?: readonly (readonly [set: number, page: number, entry: bigint])[];
  /** Words at the start of the first frame for data. */
  readonly data?: readonly number[];
}

interface Theme {
  readonly name: string;
  make(random: TestRandom): Machine;
  /** What the host does between two stretches; how often it did. */
  host?(random: TestRandom, engines: readonly Engine[]): number;
  /** What all machines together must have done at least, by the register that counts it. */
  readonly atLeast: Readonly<Record<number, number>>;
  readonly hostAtLeast?: number;
  /** What the engine of the canary does after a stretch, where it should not. */
  forget(engine: Engine): void;
}

function tables(view: DataView, mapped: Machine["mapped"] = []): void {
  const put = (page: number, index: number, entry: bigint): void =>
    view.setBigUint64(page * PAGE + index * 8, entry, true);
  for (let set = 0; set < 3; set++) {
    put(ROOT + set, 2, pte(MIDDLE + set, arch.PTE_V));
    put(ROOT + set, 510, pte(MIDDLE + set, arch.PTE_V));
    put(MIDDLE + set, 0, pte(LEAF + set, arch.PTE_V));
    put(MIDDLE + set, 1, pte(UPPER, arch.PTE_V));
    for (let page = 0; page < 16; page++)
      for (const leaf of [LEAF + set, UPPER]) put(leaf, page, pte(page, USABLE));
  }
  for (const [set, page, entry] of mapped) put(LEAF + set, page, entry);
}

function ramOf(machine: Machine): Uint8Array {
  const ram = new Uint8Array(OPTIONS.ramBytes);
  const view = new DataView(ram.buffer);
  HANDLER_CODE.forEach((word, i) => view.setUint32(i * 4, word, true));
  tables(view, machine.mapped);
  machine.data?.forEach((word, i) => view.setUint32(DATA * PAGE + i * 4, word, true));
  const { code, at = CODE * PAGE } = machine;
  const whole = [...code, jumpBack(code.length * 4)];
  for (let i = 0; i < whole.length * 2; i++) {
    const place = at + i * 2;
    const page = Math.floor(place / PAGE);
    const frame = machine.frames?.[page] ?? page;
    const half = (whole[i >> 1]! >>> (i % 2 === 0 ? 0 : 16)) & 0xffff;
    view.setUint16(frame * PAGE + (place % PAGE), half, true);
  }
  return ram;
}

function hartOf(machine: Machine): Uint8Array {
  const bytes = initialHart(0, address(0, machine.at ?? CODE * PAGE));
  const block = new DataView(bytes.buffer);
  const put = (offset: number, value: bigint): void => block.setBigUint64(offset, value, true);
  for (const [register, value] of Object.entries(machine.registers))
    put(layout.HART_X + Number(register) * 8, value);
  put(layout.HART_PRIVILEGE, BigInt(machine.privilege ?? layout.PRIVILEGE_M));
  put(layout.HART_SATP, machine.satp ?? 0n);
  put(layout.HART_MTVEC, address(0));
  put(layout.HART_MCOUNTEREN, 7n);
  put(layout.HART_SCOUNTEREN, 7n);
  block.setUint8(layout.HART_PMPCFG, 0x1f);
  put(layout.HART_PMPADDR, (1n << 54n) - 1n);
  return bytes;
}

/** One machine in both engines: the first difference, and how often the host acted. */
function side(theme: Theme, seed: number, reference: Engine, other: Engine) {
  const random = new TestRandom(seed);
  const engines = [reference, other];
  const machine = theme.make(random);
  const [ram, hart] = [ramOf(machine), hartOf(machine)];
  for (const engine of engines) {
    engine.writeRam(0, ram);
    engine.clearDirty();
    engine.writeHart(0, hart);
  }
  const longest = random.pick([3, 20, 90]);
  let hosted = 0;
  let found: string | null = null;
  for (let left = INSTRUCTIONS; left > 0 && found === null;) {
    const budget = Math.min(left, 1 + random.below(longest));
    if (random.chance(5)) other.dropCaches();
    if (random.chance(15)) for (const engine of engines) engine.clearDirty();
    const reasons = engines.map((engine) => engine.run(0, budget).stop.reason);
    found = reasons.every((reason) => reason === "budget")
      ? difference(reference, other)
      : `stopped for ${reasons.join(" and ")}`;
    left -= budget;
    hosted += theme.host?.(random, engines) ?? 0;
  }
  return { found: found === null ? null : `seed ${seed}: ${found}`, hosted };
}

/** Runs seeds of a theme until the engines differ; what they did, added up. */
function hunt(theme: Theme, other: Engine, seeds: number) {
  const reference = new ReferenceEngine(OPTIONS);
  const counts = Object.keys(theme.atLeast).map((key) => ({ register: Number(key), sum: 0 }));
  let hosted = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const run = side(theme, seed, reference, other);
    if (run.found !== null) return { found: run.found, counts, hosted };
    for (const count of counts)
      count.sum += Number(reference.word(0, layout.HART_X + count.register * 8));
    hosted += run.hosted;
  }
  return { found: null, counts, hosted };
}

const steps = (count: number, make: () => readonly number[]): number[] =>
  Array.from({ length: count }, () => make()).flat();

/** Registers from a number on. */
const from = (first: number, ...values: readonly bigint[]): Readonly<Record<number, bigint>> =>
  Object.fromEntries(values.map((value, i) => [first + i, value]));
const VALUES = from(14, 0x0123456789abcdefn, 0xfedcba9876543210n);

/** A conditional store; those that failed and all of them are counted. */
const conditionally = (width: number, at: number, value: number): readonly number[] => [
  atomic(3, width, 17, at, value),
  add(COUNT, COUNT, 17),
  addi(OTHER, OTHER, 1),
];

function reservationStep(random: TestRandom): readonly number[] {
  const width = random.pick([2, 3]);
  const [at, value] = [random.pick([10, 11, 12, 13]), random.pick([14, 15])];
  const kind = random.below(100);
  const reserve = loadReserved(width, at);
  if (kind < 25) return [reserve];
  if (kind < 35) return [reserve, ...conditionally(width, at, value)];
  if (kind < 65) return conditionally(width, at, value);
  if (kind < 75)
    return [atomic(random.pick([0, 1, 4, 8, 12, 16, 20, 24, 28]), width, 16, at, value)];
  if (kind < 90) return [store(random.below(4), value, at, random.below(16) - 4)];
  return [kind < 95 ? addi(value, value, 1) : ECALL];
}

/** Reservations on neighbouring words; the host writes at and around the one that is held. */
const reservations: Theme = {
  name: "reservations",
  make: (random) => ({
    code: steps(40, () => reservationStep(random)),
    registers: {
      ...VALUES,
      ...from(10, address(DATA, 64), address(DATA, 68), address(DATA, 72), address(DATA, 80)),
    },
  }),
  host(random, engines) {
    const reserved = engines[0]!.word(0, layout.HART_RESERVATION);
    if (reserved === NONE || random.chance(50)) return 0;
    const offset = Number(reserved - address(0)) - 16 + random.below(26);
    const bytes = new Uint8Array(1 + random.below(16)).fill(random.below(256));
    for (const engine of engines) engine.writeRam(offset, bytes);
    return 1;
  },
  atLeast: { [COUNT]: 2800, [OTHER]: 4000, [TRAPS]: 1400 },
  hostAtLeast: 700,
  forget: (engine) => engine.setWord(0, layout.HART_RESERVATION, NONE),
};

const LEAF_FLAGS = [USABLE, USABLE, USABLE, 0xc7, 0xc3, 0x4b, 0xd7, 0xc9, 0xc9, 0x0f, 0] as const;

function addressSpaceStep(random: TestRandom, switches: number): readonly number[] {
  const at = random.pick([10, 11, 12]);
  const offset = 8 * random.below(3);
  const kind = random.below(100);
  const satp = csr(1, 0, arch.CSR_SATP, random.pick([24, 25, 26, 0]));
  if (kind < switches) return [satp, addi(COUNT, COUNT, 1)];
  if (kind < 50) return [load(random.pick([2, 3]), 16, at, offset), add(SUM, SUM, 16)];
  if (kind < 75) return [store(3, 14, at, offset), addi(14, 14, 1)];
  if (kind < 79) return [op(0x73, 0, 0, random.pick([0, at]), 0x120)];
  if (kind < 83) return [store(3, random.pick([5, 6, 7]), random.pick([13, 23]), offset)];
  if (kind < 86) return [loadReserved(3, at), atomic(3, 3, 17, at, 14)];
  const status = csr(random.pick([2, 3]), 0, arch.CSR_SSTATUS, random.pick([27, 28]));
  return [status, addi(OTHER, OTHER, 1)];
}

/** Three roots that map the same pages, in both halves, to different frames, and none; all of it changes. */
const addressSpaces: Theme = {
  name: "address spaces",
  make(random) {
    const entry = (): bigint => pte(random.pick(FRAMES), random.pick(LEAF_FLAGS));
    const switches = random.pick([4, 25]);
    return {
      code: steps(60, () => addressSpaceStep(random, switches)),
      privilege: layout.PRIVILEGE_S,
      satp: satpOf(0),
      mapped: [0, 1, 2].flatMap((set) => FRAMES.map((page) => [set, page, entry()] as const)),
      registers: {
        ...VALUES,
        ...from(5, entry(), entry(), entry()),
        ...from(10, ...FRAMES.map((page) => (random.chance(60) ? address(page) : upper(page)))),
        ...from(13, address(random.pick([LEAF, UPPER]), DATA * 8)),
        ...from(23, address(LEAF + 1, DATA * 8), satpOf(0), satpOf(1), satpOf(2)),
        ...from(27, BigInt(arch.MSTATUS_SUM), BigInt(arch.MSTATUS_MXR)),
      },
    };
  },
  atLeast: { [COUNT]: 1300, [OTHER]: 1300, [TRAPS]: 1500 },
  forget: (engine) => engine.writeCsr(0, arch.CSR_SATP, satpOf(0)),
};

const END = (CODE + 1) * PAGE;
const STREAM_WORDS = 128;

/** Instructions on two registers of which bytes of any two, mixed, are such an instruction again. */
const mixable = (random: TestRandom): number =>
  op(0x13, random.pick([8, 9]), random.pick([0, 4]), random.pick([8, 9]), random.below(4096));

/** Stores bytes of mixable instructions, most of them on both sides of the end of the page, or reads there. */
function overCodeStep(random: TestRandom, phase: number): readonly number[] {
  if (random.chance(15)) return [FENCE_I];
  const width = random.pick([1, 2, 2, 3, 3]);
  const bytes = 1 << width;
  const across = random.chance(80);
  const before = across ? 1 + random.below(bytes - 1) : random.pick([bytes, 8, 0]);
  if (random.chance(10)) return [load(width, 16, 11, -before), add(SUM, SUM, 16)];
  const source = 4 * random.below(STREAM_WORDS / 2) + ((phase - before) & 3);
  return [
    load(3, 14, 10, source),
    store(width, 14, 11, -before),
    addi(COUNT, COUNT, across ? 1 : 0),
  ];
}

/** Code on both sides of the end of a page that is stored over, the pages also far from each other. */
const overCode: Theme = {
  name: "stores over code",
  make(random) {
    const phase = random.pick([0, 2]);
    const isPaged = random.chance(50);
    const head = steps(8, () => overCodeStep(random, phase));
    const tail = steps(5, () => overCodeStep(random, phase));
    const between = steps(7, () => [mixable(random)]);
    return {
      // Each round stores other bytes than the one before.
      code: [...head, ...between, add(SUM, SUM, 8), ...tail, addi(10, 10, 4)],
      at: END - 12 - phase - head.length * 4,
      ...(isPaged && { privilege: layout.PRIVILEGE_S, satp: satpOf(0) }),
      frames: isPaged ? { [CODE + 1]: DATA + 1 } : {},
      mapped: [[0, CODE + 1, pte(DATA + 1, USABLE)]],
      registers: { 10: address(DATA), 11: address(0, END) },
      data: steps(STREAM_WORDS, () => [mixable(random)]),
    };
  },
  atLeast: { [COUNT]: 4800 },
  forget: (engine) => {
    for (const page of [CODE + 1, DATA + 1]) engine.writeRam(page * PAGE, Uint8Array.of(0x13));
  },
};

const COUNTERS = [arch.CSR_MCYCLE, arch.CSR_MINSTRET, arch.CSR_CYCLE, arch.CSR_INSTRET] as const;
const MISALIGNED = loadReserved(3, 11);

function counterStep(random: TestRandom): readonly number[] {
  const kind = random.below(100);
  if (kind < 35)
    return [csr(2, 16, random.pick(COUNTERS), 0), add(SUM, SUM, 16), addi(COUNT, COUNT, 1)];
  if (kind < 55) {
    const number = random.pick([arch.CSR_MCYCLE, arch.CSR_MINSTRET, arch.CSR_INSTRET]);
    return [
      csr(random.pick([1, 2, 3, 5, 6, 7]), 16, number, random.pick([0, 14, 15])),
      add(SUM, SUM, 16),
    ];
  }
  if (kind < 80) return [random.pick([ECALL, EBREAK, ILLEGAL, MISALIGNED])];
  return [addi(14, 14, 1)];
}

/** Counters that are read and written among instructions that trap. */
const counters: Theme = {
  name: "counters",
  make: (random) => ({
    code: steps(50, () => counterStep(random)),
    privilege: random.pick([layout.PRIVILEGE_M, layout.PRIVILEGE_S, layout.PRIVILEGE_U]),
    registers: { ...VALUES, 11: address(DATA, 4) },
  }),
  host(random, engines) {
    if (random.chance(80)) return 0;
    const [number, value] = [random.pick(COUNTERS.slice(0, 2)), random.next64()];
    for (const engine of engines) engine.writeCsr(0, number, value);
    return 1;
  },
  atLeast: { [COUNT]: 2100, [TRAPS]: 2900 },
  hostAtLeast: 900,
  forget: (engine) => engine.writeCsr(0, arch.CSR_MINSTRET, engine.word(0, layout.HART_PROGRESS)),
};

const THEMES = [reservations, addressSpaces, overCode, counters];

describe.each(THEMES)("machines about $name", (theme) => {
  const compiled = (): Engine => new CompiledEngine({ ...OPTIONS, module: image, codePages: 3 });

  test("do the same in both engines, and do what they are about", () => {
    const { found, counts, hosted } = hunt(theme, compiled(), SEEDS);
    expect(found).toBeNull();
    for (const { register, sum } of counts)
      expect(sum, `x${register}`).toBeGreaterThanOrEqual(theme.atLeast[register]!);
    expect(hosted).toBeGreaterThanOrEqual(theme.hostAtLeast ?? 0);
  });

  test("canary: an engine that forgets something of it after each stretch is caught", () => {
    const broken = compiled();
    const run = broken.run.bind(broken);
    broken.run = (hart, budget, stepOver) => {
      const result = run(hart, budget, stepOver);
      theme.forget(broken);
      return result;
    };
    expect(hunt(theme, broken, SEEDS / 4).found).not.toBeNull();
  });
});
