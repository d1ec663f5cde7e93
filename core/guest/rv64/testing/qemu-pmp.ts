// Physical memory protection: random entries around an area, then loads and stores of every width at their edges with the
// privileges of each mode (through MPRV), and registers read back. Locked entries come last, one more in each round: they
// bind machine mode and cannot be changed. Sizes are those that the granularity of four bytes allows.

import { TestRandom } from "./random.ts";

const OPEN_ROUNDS = 80;
const LOCKED_ROUNDS = 7;
const AREA_BYTES = 8192;
const ENTRIES = 6;
const OFFSETS = [
  0, 4, 8, 12, 60, 64, 68, 1020, 1024, 2044, 2048, 4088, 4092, 4096, 4100, 6144, 8184,
];
const OPERATIONS = ["ld", "lw", "lh", "lbu", "sd", "sw", "sh", "sb"] as const;
const CASES = OFFSETS.length * OPERATIONS.length * 3;

/** Permissions that exist: writing without reading is reserved. */
const PERMISSIONS = [0, 1, 3, 4, 5, 7] as const;

interface Entry {
  readonly config: number;
  /** In words from the start of the area, and as instructions that bring it, from t1 = area / 4, into t2. */
  readonly words: number;
  readonly address: string;
}

/** An entry; a range that begins at the last one's address is not empty: QEMU 7.2 takes some empty ones for a match. */
function entry(random: TestRandom, previous: number): Entry {
  const config = random.pick(PERMISSIONS) | (random.below(4) << 3);
  const offset = (random.pick(OFFSETS) + random.pick([0, 0, 4])) % AREA_BYTES;
  const napot = (config & 0x18) === 0x18;
  const ones = napot ? (1 << random.below(10)) - 1 : 0;
  const range = (config & 0x18) === 0x08;
  const start = range ? Math.max(offset >> 2, previous + 1) : offset >> 2;
  const words = napot ? (start & ~((ones << 1) | 1)) | ones : start;
  return { config, words, address: `li t2, ${words}; add t2, t2, t1` };
}

function openRound(random: TestRandom): string {
  const entries: Entry[] = [];
  for (let i = 0; i < ENTRIES; i++) entries.push(entry(random, entries.at(-1)?.words ?? 0));
  const row = entries.reduce((all, { config }, i) => all | (BigInt(config) << BigInt(8 * i)), 0n);
  const last = random.chance(60) ? 0x18n | BigInt(random.pick(PERMISSIONS)) : 0n;
  return `
    csrw pmpcfg0, zero
    la t1, area
    srli t1, t1, 2
${entries.map(({ address }, i) => `    ${address}; csrw pmpaddr${i}, t2`).join("\n")}
    li t2, -1
    csrw pmpaddr6, t2
    li t0, ${row | (last << 48n)}
    csrw pmpcfg0, t0
    call probe
`;
}

/** Locks entries of the second row from the top down. */
function lockedRound(random: TestRandom, round: number): string {
  const number = 15 - round;
  const { config, address } = entry(random, 0);
  return `
    csrw pmpcfg0, zero
    la t1, area
    srli t1, t1, 2
    ${address}; csrw pmpaddr${number}, t2
    li t0, ${BigInt(config | 0x80) << BigInt(8 * (number - 8))}
    csrs pmpcfg2, t0
    # Neither can be changed any more.
    csrw pmpaddr${number}, zero
    csrw pmpcfg2, zero
    csrr t0, pmpaddr${number}
    sd t0, 0(s11)
    csrr t0, pmpcfg2
    sd t0, 8(s11)
    addi s11, s11, 16
    li t2, -1
    csrw pmpaddr7, t2
    li t0, ${0x1fn << 56n}
    csrw pmpcfg0, t0
    call probe
`;
}

/** Each in 16 bytes: a3 is aligned to four bytes, a4 to eight. */
const operations = OPERATIONS.map((name, i) => {
  const at = ["0(a4)", "0(a3)", "2(a3)", "3(a3)"][i % 4]!;
  return `    .balign 16\n    ${name} t5, ${at}\n    j permitted`;
}).join("\n");

export function protectionProgram(): string {
  const random = new TestRandom(17);
  const open = Array.from({ length: OPEN_ROUNDS }, () => openRound(random)).join("");
  const locked = Array.from({ length: LOCKED_ROUNDS }, (_, i) => lockedRound(random, i)).join("");
  return `
    la t0, denied
    csrw mtvec, t0
    li t5, 0
${open}
${locked}
    la t0, unexpected
    csrw mtvec, t0
    j finished

probe:
    mv s8, ra
    csrr t0, pmpcfg0
    sd t0, 0(s11)
    csrr t0, pmpaddr0
    sd t0, 8(s11)
    addi s11, s11, 16
    li s10, 0
    la s0, offsets
next_offset:
    lw a3, 0(s0)
    bltz a3, probed
    la t0, area
    add a3, a3, t0
    andi a4, a3, -8
    li s1, 0
next_case:
    srli t0, s1, 3
    li t1, 2
    bne t0, t1, 1f
    li t0, 3
1:  slli t0, t0, 11
    li t1, 0x1800
    csrc mstatus, t1
    csrs mstatus, t0
    andi t2, s1, 7
    slli t2, t2, 4
    la t3, operations
    add t3, t3, t2
    li t1, 0x20000
    csrs mstatus, t1
    jr t3
    .balign 16
operations:
${operations}
permitted:
    li t4, 99
    j record
    .balign 4
denied:
    csrr t4, mcause
    csrr t0, mtval
    slli t0, t0, 8
    xor t4, t4, t0
record:
    li t1, 0x20000
    csrc mstatus, t1
    li t6, 0x100000001b3
    xor s10, s10, t4
    mul s10, s10, t6
    srli t0, s10, 29
    xor s10, s10, t0
    addi s1, s1, 1
    li t0, 24
    bltu s1, t0, next_case
    sd s10, 0(s11)
    addi s11, s11, 8
    addi s0, s0, 4
    j next_offset
probed:
    jr s8
    .section .data
offsets: .word ${OFFSETS.join(", ")}, -1
    .balign 8192
area: .zero ${AREA_BYTES + 4096}
    .section .text.start
`;
}

export const protectionTests = (): number => (OPEN_ROUNDS + LOCKED_ROUNDS) * CASES;
