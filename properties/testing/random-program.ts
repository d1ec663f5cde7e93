/**
 * Random programs for real machines: a loop over random arithmetic, floating point, atomics, loads and
 * stores by scattered page tables, code that changes itself, traps, and a timer whose interrupts leave
 * the address they came at in a register: one instruction too many or too few changes all that follows.
 *
 * Must hold: a program ends, prints all along, and is a function of its seed.
 */
import { random, type Random } from "./random.ts";

const BASE = 0x8000_0000;
const PAGE = 4_096;
const [CONSTANTS, ROOT, MIDDLE, LEAF, ARENA] = [31, 32, 33, 34, 64];
const ARENA_PAGES = 128;
const FILE_PAGES = ARENA + ARENA_PAGES;
/** Where the arena lies in the program's addresses. */
const VIRTUAL = 0x4000_0000;
const HEADER_BYTES = 0x1000;

// Registers that random instructions only read: a mask of offsets, two for addresses, rounds left, the
// console, what traps and interrupts leave behind, the arena. 30 and 31 are the handler's.
const [MASK, VALUE, ADDRESS, ROUNDS, CONSOLE, MARK, BEGIN, OTHER, OWN] = [
  23, 24, 25, 26, 27, 28, 29, 30, 31,
];

const rType = (op: number, f3: number, f7: number, rd: number, rs1: number, rs2: number): number =>
  ((f7 << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op) >>> 0;
const iType = (op: number, f3: number, rd: number, rs1: number, imm: number): number =>
  ((imm << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op) >>> 0;
const store = (op: number, f3: number, rs1: number, rs2: number, imm = 0): number =>
  (((imm >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (f3 << 12) | ((imm & 31) << 7) | op) >>> 0;
const branch = (f3: number, rs1: number, rs2: number, offset: number): number =>
  ((((offset >> 5) & 63) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (f3 << 12) |
    (((offset >> 1) & 15) << 8) |
    (((offset >> 11) & 1) << 7) |
    0x63) >>>
  0;
const jump = (offset: number): number =>
  ((((offset >> 20) & 1) << 31) |
    (((offset >> 1) & 1023) << 21) |
    (((offset >> 11) & 1) << 20) |
    (((offset >> 12) & 255) << 12) |
    0x6f) >>>
  0;
const lui = (rd: number, upper: number): number => ((upper << 12) | (rd << 7) | 0x37) >>> 0;
const addi = (rd: number, rs1: number, imm: number): number => iType(0x13, 0, rd, rs1, imm);
const and = (rd: number, rs1: number, rs2: number): number => rType(0x33, 7, 0, rd, rs1, rs2);
const csrWrite = (csr: number, rs1: number): number => iType(0x73, 1, 0, rs1, csr);
const csrRead = (rd: number, csr: number): number => iType(0x73, 2, rd, 0, csr);

const [MSTATUS, MIE, MTVEC, MCOUNTEREN, MEPC, MCAUSE] = [0x300, 0x304, 0x305, 0x306, 0x341, 0x342];
const [SATP, PMPCFG0, PMPADDR0, TIME] = [0x180, 0x3a0, 0x3b0, 0xc01];
const MRET = 0x3020_0073;
const FENCE_I = 0x100f;
const ECALL = 0x73;
/** Compare register of the timer, as upper bits of an address. */
const TIMER = 0x2004;

/** An instruction, or a few that belong together. */
type Unit = readonly number[];

const written = (by: Random): number => 1 + by.below(22);
const read = (by: Random): number => by.below(MARK + 1);

/** The address of a double word of the arena, drawn by a register. */
const place = (by: Random): Unit => [
  and(ADDRESS, read(by), MASK),
  rType(0x33, 0, 0, ADDRESS, ADDRESS, BEGIN),
];

function arithmetic(by: Random): Unit {
  const op = by.pick([0x33, 0x33, 0x3b]);
  const f3 = op === 0x33 ? by.below(8) : by.pick([0, 1, 5]);
  const f7 = by.chance(40) ? 1 : (f3 === 0 || f3 === 5) && by.chance(50) ? 0x20 : 0;
  return [rType(op, f3, f7, written(by), read(by), read(by))];
}

const immediate = (by: Random): Unit => [
  iType(0x13, by.pick([0, 2, 3, 4, 6, 7]), written(by), read(by), by.below(4_096)),
];

function floating(by: Random): Unit {
  const f7 = by.pick([0x00, 0x01, 0x04, 0x05, 0x08, 0x09, 0x0d, 0x2d, 0x51, 0x69, 0x71, 0x79]);
  const second = f7 === 0x69 ? by.below(4) : f7 >= 0x71 ? 0 : by.below(32);
  const f3 = f7 === 0x51 ? by.below(3) : f7 >= 0x71 ? 0 : 7;
  // 0x51 and 0x71 leave their result in an integer register.
  const rd = f7 === 0x51 || f7 === 0x71 ? written(by) : by.below(32);
  return [rType(0x53, f3, f7, rd, by.below(MARK + 1), second)];
}

const load = (by: Random): Unit => [
  ...place(by),
  by.chance(20)
    ? iType(0x07, 3, by.below(32), ADDRESS, 0)
    : iType(0x03, by.below(7), written(by), ADDRESS, 0),
];

const save = (by: Random): Unit => [
  ...place(by),
  by.chance(20)
    ? store(0x27, 3, ADDRESS, by.below(32))
    : store(0x23, by.below(4), ADDRESS, read(by)),
];

const atomic = (by: Random): Unit => [
  ...place(by),
  rType(0x2f, 3, by.pick([0, 1, 4, 8, 12, 16, 20, 24, 28]) << 2, written(by), ADDRESS, read(by)),
];

/** The clock, cycles, instructions. */
const counter = (by: Random): Unit => [csrRead(written(by), 0xc00 + by.below(3))];

const print = (by: Random): Unit => [
  iType(0x13, 7, VALUE, read(by), 15),
  addi(VALUE, VALUE, 97),
  store(0x23, 0, CONSOLE, VALUE),
];

/** Nothing is there, or it means nothing, or it is a call: the handler goes on behind it. */
const trapping = (by: Random): Unit =>
  by.pick([[0xffff_ffff], [ECALL], [lui(ADDRESS, 0x50000), iType(0x03, 3, 1, ADDRESS, 0)]]);

/** Writes an instruction that loads a drawn number, and executes it. `at`: where the first one is. */
function changing(by: Random, at: number): Unit {
  const target = BASE + at + 8 * 4;
  const low = ((target & 0xfff) ^ 0x800) - 0x800;
  return [
    // Addresses of RAM have zeros above, numbers of `lui` a sign.
    lui(ADDRESS, ((target - low) / PAGE) & 0xfffff),
    iType(0x13, 1, ADDRESS, ADDRESS, 32),
    iType(0x13, 5, ADDRESS, ADDRESS, 32),
    lui(VALUE, 0xfff00),
    and(VALUE, VALUE, read(by)),
    addi(VALUE, VALUE, ((1 + by.below(15)) << 7) | 0x13),
    store(0x23, 2, ADDRESS, VALUE, low),
    FENCE_I,
    addi(0, 0, 0),
  ];
}

const KINDS = [
  ...Array<typeof arithmetic>(6).fill(arithmetic),
  ...Array<typeof load>(5).fill(load),
  ...Array<typeof save>(5).fill(save),
  immediate,
  immediate,
  floating,
  floating,
  floating,
  atomic,
  counter,
  print,
  trapping,
];

/** One unit, or a branch that may pass it by. */
function unit(by: Random, at: number): Unit {
  if (by.chance(4)) return changing(by, at);
  const made = by.pick(KINDS)(by);
  if (by.chance(85)) return made;
  const f3 = by.pick([0, 1, 4, 5, 6, 7]);
  return [branch(f3, read(by), read(by), (made.length + 1) * 4), ...made];
}

/** Loads the registers, maps the arena, and goes to supervisor mode behind the handler. */
function prologue(): number[] {
  const words = [lui(OTHER, BASE / PAGE + CONSTANTS)];
  words.push(iType(0x13, 1, OTHER, OTHER, 32), iType(0x13, 5, OTHER, OTHER, 32));
  const setUp = [MTVEC, SATP, PMPADDR0, PMPCFG0, MIE, MCOUNTEREN, MEPC, MSTATUS];
  setUp.forEach((csr, at) => {
    words.push(iType(0x03, 3, OWN, OTHER, (32 + at) * 8), csrWrite(csr, OWN));
  });
  for (let each = 1; each <= BEGIN; each++) words.push(iType(0x03, 3, each, OTHER, each * 8));
  return [...words, MRET];
}

/** An interrupt comes again after `ticks`; behind a trap the program goes on. */
const handler = (ticks: number): number[] => [
  csrRead(OWN, MCAUSE),
  branch(4, OWN, 0, 5 * 4),
  csrRead(OWN, MEPC),
  addi(OWN, OWN, 4),
  csrWrite(MEPC, OWN),
  MRET,
  lui(OWN, TIMER),
  csrRead(OTHER, TIME),
  addi(OTHER, OTHER, ticks),
  store(0x23, 3, OWN, OTHER),
  csrRead(OWN, MEPC),
  rType(0x33, 0, 0, MARK, MARK, MARK),
  rType(0x33, 4, 0, MARK, MARK, OWN),
  MRET,
];

function code(by: Random, units: number): { words: number[]; handler: number; body: number } {
  const words = prologue();
  const handlerAt = words.length * 4;
  words.push(...handler(600 + by.below(1_400)));
  const body = words.length * 4;
  for (let each = 0; each < units; each++) words.push(...unit(by, words.length * 4));
  words.push(addi(VALUE, 0, 10), store(0x23, 0, CONSOLE, VALUE), addi(ROUNDS, ROUNDS, -1));
  words.push(branch(0, ROUNDS, 0, 8));
  words.push(jump(body - words.length * 4));
  words.push(lui(ADDRESS, 0x100), lui(VALUE, 5), addi(VALUE, VALUE, 0x555));
  words.push(store(0x23, 2, ADDRESS, VALUE), jump(0));
  return { words, handler: handlerAt, body };
}

function pageTables(by: Random, put: (page: number, index: number, value: bigint) => void): void {
  const entry = (page: number, flags: number): bigint => (BigInt(page) << 10n) | BigInt(flags);
  const ram = BASE / PAGE;
  put(ROOT, 0, entry(0, 0xc7));
  put(ROOT, 1, entry(ram + MIDDLE, 1));
  put(ROOT, 2, entry(ram, 0xcf));
  put(MIDDLE, 0, entry(ram + LEAF, 1));
  const pages = Array.from({ length: ARENA_PAGES }, (_, at) => at);
  for (let at = 0; at < ARENA_PAGES; at++) {
    const [page] = pages.splice(by.below(pages.length), 1);
    // Accessed and dirty bits are set by the processor.
    put(LEAF, at, entry(ram + ARENA + page!, 7 | by.pick([0, 0, 0x40, 0xc0])));
  }
}

/** Program headers of an ELF file with one segment. */
function header(view: DataView): void {
  view.setUint32(0, 0x7f45_4c46);
  view.setUint32(4, 0x0201_0100);
  view.setUint16(16, 2, true);
  view.setUint16(18, 243, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(BASE), true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(52, 64, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, 7, true);
  const segment = [HEADER_BYTES, BASE, BASE, FILE_PAGES * PAGE, FILE_PAGES * PAGE, PAGE];
  segment.forEach((value, at) => view.setBigUint64(72 + at * 8, BigInt(value), true));
}

/** An ELF file for a machine of 2 MiB that starts in machine mode. */
export function randomProgram(seed: number, rounds = 80, units = 250): Uint8Array {
  const by = random(seed);
  const bytes = new Uint8Array(HEADER_BYTES + FILE_PAGES * PAGE);
  header(new DataView(bytes.buffer));
  const view = new DataView(bytes.buffer, HEADER_BYTES);
  const put = (page: number, index: number, value: bigint): void =>
    view.setBigUint64(page * PAGE + index * 8, BigInt.asUintN(64, value), true);
  const { words, handler, body } = code(by, units);
  words.forEach((each, at) => view.setUint32(at * 4, each, true));
  pageTables(by, put);
  const fixed: { readonly [register: number]: number } = {
    [MASK]: (ARENA_PAGES * PAGE - 1) & ~7,
    [ROUNDS]: rounds,
    [CONSOLE]: 0x1000_0000,
    [BEGIN]: VIRTUAL,
  };
  for (let each = 1; each <= BEGIN; each++) {
    put(CONSTANTS, each, fixed[each] === undefined ? by.word() : BigInt(fixed[each]));
  }
  const satp = (8n << 60n) | BigInt(BASE / PAGE + ROOT);
  // Supervisor mode behind the return, floating point on, and the timer.
  const status = 0x800n | 0x2000n | 0x80n;
  const setUp = [BigInt(BASE + handler), satp, -1n, 0x1fn, 0x80n, 7n, BigInt(BASE + body), status];
  setUp.forEach((value, at) => put(CONSTANTS, 32 + at, value));
  for (let page = ARENA; page < FILE_PAGES; page++) {
    if (by.chance(50)) for (let at = 0; at < 512; at += 1 + by.below(9)) put(page, at, by.word());
  }
  return bytes;
}
