// The bodies of the differential tests: every computing instruction over a table of operands. Results are folded into
// one 64-bit number per instruction, rounding mode and first operand, which keeps the output small and loses nothing that
// would be noticed.

import { TestRandom } from "./random.ts";

const dword = (value: bigint): string => `    .dword 0x${value.toString(16)}\n`;

const table = (name: string, values: readonly bigint[]): string =>
  `    .section .rodata\n    .balign 8\n${name}:\n${values.map(dword).join("")}    .section .text.start\n`;

/** Folds `register` into s10. */
const fold = (register: string): string =>
  `    xor s10, s10, ${register}\n    li t6, 0x100000001b3\n    mul s10, s10, t6\n` +
  `    srli t6, s10, 29\n    xor s10, s10, t6\n`;

const append = "    sd s10, 0(s11)\n    addi s11, s11, 8\n";

let INTEGER_EDGES = [0n, 1n, 2n, 5n, 63n, 64n, 0x7fffffffn, 0x80000000n, 0xffffffffn];
INTEGER_EDGES = [...INTEGER_EDGES, ...INTEGER_EDGES.map((v) => BigInt.asUintN(64, -v)), 1n << 63n];

const INTEGER_OPERATIONS = (
  "add sub sll slt sltu xor srl sra or and addw subw sllw srlw sraw " +
  "mul mulh mulhsu mulhu div divu rem remu mulw divw divuw remw remuw"
).split(" ");

const IMMEDIATE_OPERATIONS = [
  ...["addi", "slti", "sltiu", "xori", "ori", "andi", "addiw"].flatMap((name) =>
    [-2048, -1, 0, 7, 2047].map((imm) => `${name} a2, a0, ${imm}`),
  ),
  ...["slli", "srli", "srai"].flatMap((name) =>
    [0, 1, 31, 32, 63].map((n) => `${name} a2, a0, ${n}`),
  ),
  ...["slliw", "srliw", "sraiw"].flatMap((name) => [0, 1, 31].map((n) => `${name} a2, a0, ${n}`)),
];

const ATOMIC_OPERATIONS = "add swap xor or and min max minu maxu"
  .split(" ")
  .flatMap((name) => [`amo${name}.w`, `amo${name}.d`]);

/** A loop over pairs of a table: `step` computes from a0 and a1; one result for each first operand. */
const overPairs = (name: string, count: number, step: string): string => `
    la s0, ${name}
    li s1, ${count}
1:  ld a0, 0(s0)
    la s2, ${name}
    li s3, ${count}
    li s10, 0
2:  ld a1, 0(s2)
${step}    addi s2, s2, 8
    addi s3, s3, -1
    bnez s3, 2b
${append}    addi s0, s0, 8
    addi s1, s1, -1
    bnez s1, 1b
`;

/** Integer, M and A extensions. */
export function integerProgram(): string {
  const random = new TestRandom(11);
  const values = [...INTEGER_EDGES, ...Array.from({ length: 13 }, () => random.next64())];
  const pairs = INTEGER_OPERATIONS.map((name) =>
    overPairs("operands", values.length, `    ${name} a2, a0, a1\n${fold("a2")}`),
  );
  const immediates = IMMEDIATE_OPERATIONS.map((text) =>
    overPairs("operands", values.length, `    ${text}\n${fold("a2")}`),
  );
  const atomics = ATOMIC_OPERATIONS.map((name) =>
    overPairs(
      "operands",
      values.length,
      `    la t0, cell\n    sd a0, 0(t0)\n    ${name} a2, a1, (t0)\n    ld a3, 0(t0)\n` +
        fold("a2") +
        fold("a3"),
    ),
  );
  const conditional = ["w", "d"].map((width) =>
    overPairs(
      "operands",
      values.length,
      `    la t0, cell\n    sd a0, 0(t0)\n    lr.${width} a2, (t0)\n    sc.${width} a3, a1, (t0)\n` +
        `    sc.${width} a4, a0, (t0)\n    ld a5, 0(t0)\n${["a2", "a3", "a4", "a5"].map(fold).join("")}`,
    ),
  );
  const data =
    table("operands", values) +
    "    .data\n    .balign 8\ncell: .dword 0\n    .section .text.start\n";
  return data + [...pairs, ...immediates, ...atomics, ...conditional].join("");
}

export const integerTests = (): number =>
  (INTEGER_OPERATIONS.length + ATOMIC_OPERATIONS.length + 2) * 32 ** 2 +
  IMMEDIATE_OPERATIONS.length * 32;

const DOUBLES = [
  0x0000000000000000n,
  0x3ff0000000000000n,
  0x3ff0000000000001n,
  0x4008000000000000n,
  0x7ff0000000000000n,
  0x7ff8000000000000n,
  0x7ff0000000000001n,
  0x7ff8000000000123n,
  0x0000000000000001n,
  0x000fffffffffffffn,
  0x0010000000000000n,
  0x0010000000000001n,
  0x001fffffffffffffn,
  0x7fefffffffffffffn,
  0x43dfffffffffffffn,
  0x43e0000000000000n,
  0x43f0000000000000n,
  0x41dfffffffc00000n,
  0x41e0000000000000n,
  0x41efffffffe00000n,
  0x36a0000000000000n,
  0x380fffffffffffffn,
  0x3810000000000000n,
  0x47efffffe0000000n,
  0x47effffff0000000n,
  0x3fe0000000000000n,
  0x3fdfffffffffffffn,
  0x3ff8000000000000n,
  0x4004000000000000n,
  0x3ca0000000000000n,
  0x3c90000000000001n,
  0x4340000000000001n,
] as const;

const SINGLES = [
  0x00000000n,
  0x3f800000n,
  0x3f800001n,
  0x40400000n,
  0x7f800000n,
  0x7fc00000n,
  0x7f800001n,
  0x7fc00123n,
  0x00000001n,
  0x007fffffn,
  0x00800000n,
  0x00800001n,
  0x00ffffffn,
  0x7f7fffffn,
  0x5effffffn,
  0x5f000000n,
  0x5f800000n,
  0x4effffffn,
  0x4f000000n,
  0x4f7fffffn,
  0x3f000000n,
  0x3effffffn,
  0x3fc00000n,
  0x40200000n,
  0x33800000n,
  0x33000001n,
  0x4b800001n,
] as const;

function floatValues(single: boolean): bigint[] {
  const random = new TestRandom(single ? 5 : 7);
  const sign = single ? 1n << 31n : 1n << 63n;
  const edges = (single ? SINGLES : DOUBLES).flatMap((v) => [v, v | sign]);
  const width = single ? 32 : 64;
  const drawn = Array.from({ length: 10 }, () => BigInt.asUintN(width, random.next64()));
  if (!single) return [...edges, ...drawn];
  // Boxed, and some that are not.
  const boxed = [...edges, ...drawn].map((v) => v | 0xffffffff00000000n);
  return [...boxed, 0x3f800000n, 0xfffffffe3f800000n];
}

const FLOAT_OPERATIONS = (
  "fadd fsub fmul fdiv fsgnj fsgnjn fsgnjx fmin fmax feq flt fle fsqrt fclass fmadd fmsub " +
  "fnmadd fnmsub cvt.w cvt.wu cvt.l cvt.lu fromw fromwu froml fromlu other move"
).split(" ");

/** The instruction, from fa0 and fa1 (and fa2), result in a2. */
function floatStep(operation: string, f: "s" | "d"): string {
  const other = f === "s" ? "d" : "s";
  const toInteger = `fmv.x.d a2, fa3`;
  if (["feq", "flt", "fle"].includes(operation)) return `${operation}.${f} a2, fa0, fa1`;
  if (operation === "fclass") return `fclass.${f} a2, fa0`;
  if (operation === "fsqrt") return `fsqrt.${f} fa3, fa0\n    ${toInteger}`;
  if (/^fn?m(add|sub)/.test(operation))
    return `${operation}.${f} fa3, fa0, fa1, fa2\n    ${toInteger}`;
  if (operation.startsWith("cvt.")) return `fcvt.${operation.slice(4)}.${f} a2, fa0, dyn`;
  if (operation.startsWith("from")) {
    const rounded = f === "s" || operation.startsWith("froml") ? ", dyn" : "";
    return `fcvt.${f}.${operation.slice(4)} fa3, a0${rounded}\n    ${toInteger}`;
  }
  if (operation === "other")
    return `fcvt.${other}.${f} fa3, fa0${other === "s" ? ", dyn" : ""}\n    ${toInteger}`;
  if (operation === "move") return `fmv.x.${f === "s" ? "w" : "d"} a2, fa0`;
  return `${operation}.${f} fa3, fa0, fa1\n    ${toInteger}`;
}

/** The F or D extension in all five rounding modes, values and flags. */
export function floatProgram(f: "s" | "d"): string {
  const values = floatValues(f === "s");
  // The third operand of a fused operation is the bitwise neighbourhood of the other two.
  const load = "    fmv.d.x fa0, a0\n    fmv.d.x fa1, a1\n    xor t0, a0, a1\n    srli t0, t0, 3\n";
  const third =
    f === "s"
      ? "    xor t0, t0, a1\n    li t1, -1\n    slli t1, t1, 32\n    or t0, t0, t1\n"
      : "    xor t0, t0, a1\n";
  const body = [0, 1, 2, 3, 4].flatMap((mode) =>
    FLOAT_OPERATIONS.map((operation) => {
      const step = `${load}${third}    fmv.d.x fa2, t0\n    csrw fflags, zero\n`;
      const run = `    ${floatStep(operation, f)}\n    csrr a3, fflags\n${fold("a2")}${fold("a3")}`;
      return `    csrwi frm, ${mode}\n${overPairs("operands", values.length, step + run)}`;
    }),
  );
  return table("operands", values) + body.join("");
}

export const floatTests = (f: "s" | "d"): number =>
  5 * FLOAT_OPERATIONS.length * floatValues(f === "s").length ** 2;
