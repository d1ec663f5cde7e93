// Random instructions that cover every class of the machine: mostly legal, some reserved, some plain noise.

import type { TestRandom } from "./random.ts";

const CSRS = [
  0x001, 0x002, 0x003, 0x100, 0x104, 0x105, 0x106, 0x10a, 0x140, 0x141, 0x142, 0x143, 0x144, 0x180,
  0x300, 0x301, 0x302, 0x303, 0x304, 0x305, 0x306, 0x30a, 0x320, 0x323, 0x340, 0x341, 0x342, 0x343,
  0x344, 0x3a0, 0x3a2, 0x3b0, 0x3b1, 0x3b7, 0x3bf, 0xb00, 0xb02, 0xb03, 0xc00, 0xc01, 0xc02, 0xc05,
  0xf11, 0xf14, 0xf15, 0x7a0, 0x5a8,
] as const;

const word = (...parts: readonly number[]): number => parts.reduce((a, b) => (a | b) >>> 0, 0);

/** rd, rs1, rs2 and funct3 of an instruction, drawn; jumps and pointers stay away from none. */
function registers(random: TestRandom, funct3: number): number {
  return word(random.below(32) << 7, funct3 << 12, random.below(32) << 15, random.below(32) << 20);
}

const immediate = (random: TestRandom): number =>
  (random.chance(60) ? random.below(64) : random.below(4096)) << 20;

function integer(random: TestRandom): number {
  const funct3 = random.below(8);
  const opcode = random.pick([0x13, 0x1b, 0x33, 0x3b, 0x33, 0x3b]);
  if (opcode === 0x13 || opcode === 0x1b) {
    const shift = random.chance(40) ? random.pick([0, 0x20, 0x21, 0x01]) << 25 : 0;
    const imm =
      funct3 === 1 || funct3 === 5 ? word(shift, random.below(32) << 20) : immediate(random);
    return word(opcode, random.below(32) << 7, funct3 << 12, random.below(32) << 15, imm);
  }
  return word(opcode, registers(random, funct3), random.pick([0, 0, 1, 1, 0x20]) << 25);
}

const upper = (random: TestRandom): number =>
  word(random.pick([0x37, 0x17]), random.below(32) << 7, random.below(1 << 20) << 12);

function memory(random: TestRandom): number {
  const store = random.chance(45);
  const float = random.chance(25);
  const funct3 = float ? random.pick([2, 3]) : random.below(store ? 4 : 7);
  const opcode = store ? (float ? 0x27 : 0x23) : float ? 0x07 : 0x03;
  return word(opcode, registers(random, funct3), random.below(128) << 25);
}

function branch(random: TestRandom): number {
  const funct3 = random.pick([0, 1, 4, 5, 6, 7]);
  const offset = random.chance(80) ? 2 * random.below(40) : (2 * random.below(4096)) & 0x1ffe;
  return word(
    0x63,
    ((offset >> 11) & 1) << 7,
    ((offset >> 1) & 15) << 8,
    funct3 << 12,
    random.below(32) << 15,
    random.below(32) << 20,
    ((offset >> 5) & 63) << 25,
    ((offset >> 12) & 1) << 31,
  );
}

function jump(random: TestRandom): number {
  if (random.chance(50)) {
    return word(0x67, random.below(32) << 7, random.below(32) << 15, immediate(random));
  }
  const offset = 2 * random.below(random.chance(70) ? 60 : 8192);
  return word(
    0x6f,
    random.below(32) << 7,
    ((offset >> 12) & 255) << 12,
    ((offset >> 11) & 1) << 20,
    ((offset >> 1) & 1023) << 21,
  );
}

function atomic(random: TestRandom): number {
  const kind = random.pick([0, 1, 2, 2, 3, 3, 4, 8, 12, 16, 20, 24, 28, 5]);
  const fields = registers(random, random.pick([2, 3, 3, 3, 2, 1]));
  const rs2 = kind === 2 && random.chance(90) ? ~(31 << 20) : -1;
  return word(0x2f, (fields & rs2) >>> 0, kind << 27, random.below(4) << 25);
}

function float(random: TestRandom): number {
  const format = random.pick([0, 0, 1, 1, 1, 2, 3].slice(0, random.chance(95) ? 5 : 7));
  if (random.chance(20)) {
    const opcode = random.pick([0x43, 0x47, 0x4b, 0x4f]);
    return word(opcode, registers(random, random.below(8)), format << 25, random.below(32) << 27);
  }
  const operation = random.pick([0, 1, 2, 3, 4, 5, 8, 11, 20, 24, 26, 28, 30, 9]);
  const rs2 = [8, 11, 24, 26, 28, 30].includes(operation) ? random.below(4) : random.below(32);
  const fields = registers(random, random.below(8));
  return word(0x53, (fields & ~(31 << 20)) >>> 0, rs2 << 20, format << 25, operation << 27);
}

function system(random: TestRandom): number {
  if (random.chance(25)) {
    const plain = [0x73, 0x100073, 0x10200073, 0x30200073, 0x10500073, 0x12000073, 0x0f, 0x100f];
    return random.pick(plain);
  }
  const fields = registers(random, random.pick([1, 2, 3, 5, 6, 7]));
  const csr = random.chance(97) ? random.pick(CSRS) : random.below(4096);
  return word(0x73, fields & 0xfffff, csr << 20);
}

/** An instruction and how many bytes it takes. */
export function randomInstruction(random: TestRandom): {
  readonly bits: number;
  readonly bytes: 2 | 4;
} {
  const kind = random.below(100);
  if (kind < 25) return { bits: random.below(3) | (random.below(1 << 14) << 2), bytes: 2 };
  const make =
    kind < 45
      ? integer
      : kind < 50
        ? upper
        : kind < 70
          ? memory
          : kind < 78
            ? branch
            : kind < 80
              ? jump
              : kind < 86
                ? atomic
                : kind < 95
                  ? float
                  : system;
  if (random.chance(1)) return { bits: Number(random.next64() & 0xffffffffn) | 3, bytes: 4 };
  return { bits: make(random), bytes: 4 };
}
