// Both engines do the same where results are about the smallest normal number: there the place of rounding and what
// counts as tiny (judged after rounding) decide about bits and flags. Every machine is one instruction.

import { describe, expect, test } from "vitest";
import { CompiledEngine } from "./compiled/index.ts";
import type { Engine } from "./engine.ts";
import { MSTATUS_FS } from "./architecture.ts";
import { initialHart } from "./initial-state.ts";
import * as layout from "./layout.ts";
import { ReferenceEngine } from "./reference/index.ts";
import { image } from "./testing/image.ts";
import { difference } from "./testing/lockstep.ts";
import { TestRandom } from "./testing/random.ts";

const OPTIONS = { ramBytes: layout.PAGE_BYTES, harts: 1 } as const;
const SEEDS = 12_000;
const MODES = [0, 1, 2, 3, 4] as const;
const INEXACT = 1n;
const UNDERFLOW = 2n;

interface Format {
  readonly wide: boolean;
  readonly bias: number;
  readonly fraction: bigint;
  /** Exponent of the smallest normal number. */
  readonly least: number;
}

const DOUBLE: Format = { wide: true, bias: 1023, fraction: 52n, least: -1022 };
const SINGLE: Format = { wide: false, bias: 127, fraction: 23n, least: -126 };

/** The bits of a number that many steps away from a power of two: units above it, half units below. */
const near = ({ bias, fraction }: Format, power: number, steps: number): bigint =>
  (BigInt(power + bias) << fraction) + BigInt(steps);

const negated = ({ wide }: Format, bits: bigint): bigint => bits | (1n << (wide ? 63n : 31n));

/** As it stands in a register: singles are boxed. */
const boxed = ({ wide }: Format, bits: bigint): bigint =>
  wide ? bits : bits | (0xffffffffn << 32n);

/** Two numbers whose product, or quotient, is about the smallest normal number. */
function smallPair(random: TestRandom, format: Format, divides: boolean): readonly bigint[] {
  const { least } = format;
  const above = random.below(4);
  // (1 - n e)(1 + n e), half units below and units above: short of one by a square.
  const below = random.chance(70) ? 2 * above : random.below(9);
  const off = random.pick([-1, 0, 0, 0, 0, 1]);
  const power = 2 + random.below(40);
  if (divides)
    return [near(format, least + power + off, -below), near(format, power, random.below(9) - 4)];
  const pair = [near(format, -power, -below), near(format, least + power + off, above)];
  return random.chance(50) ? pair : pair.reverse();
}

interface Case {
  readonly instruction: number;
  readonly operands: readonly bigint[];
  /** Of the result. */
  readonly format: Format;
}

const FUSED = [0x43, 0x47, 0x4b, 0x4f] as const;
const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;
const DIVIDE = 3;
const NARROW = 0x401;

/** f3 from f1, f2 and f4; `top` are the upper twelve bits. */
const float = (opcode: number, mode: number, top: number): number =>
  (opcode | (3 << 7) | (mode << 12) | (1 << 15) | (top << 20)) >>> 0;

/** Narrowed to single it is about the smallest normal number; at 2^28 half units the tie. */
function narrowing(random: TestRandom, mode: number): Case {
  const tie = 2 ** 28;
  const below = random.pick([random.below(8), random.below(tie), tie - 2 + random.below(5)]);
  const bits = near(DOUBLE, SINGLE.least, -below);
  const operand = random.chance(30) ? negated(DOUBLE, bits) : bits;
  return { instruction: float(0x53, mode, NARROW), operands: [operand], format: SINGLE };
}

function arithmetic(random: TestRandom, mode: number): Case {
  const format = random.pick([DOUBLE, SINGLE]);
  const kind = random.pick([ADD, SUBTRACT, MULTIPLY, MULTIPLY, MULTIPLY, DIVIDE, ...FUSED]);
  const [a, b] = smallPair(random, format, kind === DIVIDE) as [bigint, bigint];
  const summand = near(format, format.least, random.below(5) - 4);
  const [first, second] = kind === ADD || kind === SUBTRACT ? [summand, a & 7n] : [a, b];
  const operands = [first, second, random.pick([0n, 0n, 0n, 1n, 2n])]
    .map((bits) => (random.chance(30) ? negated(format, bits) : bits))
    .map((bits) => boxed(format, bits));
  const low = (format.wide ? 1 << 5 : 0) | 2;
  const instruction =
    kind <= DIVIDE ? float(0x53, mode, (kind << 7) | low) : float(kind, mode, (4 << 7) | low);
  return { instruction, operands, format };
}

function hartOf(random: TestRandom, operands: readonly bigint[], mode: number): Uint8Array {
  const bytes = initialHart(0, BigInt(layout.RAM_BASE));
  const block = new DataView(bytes.buffer);
  const put = (offset: number, value: bigint): void => block.setBigUint64(offset, value, true);
  operands.forEach((bits, i) => put(layout.HART_F + [1, 2, 4][i]! * 8, bits));
  put(layout.HART_MSTATUS, BigInt(MSTATUS_FS));
  put(layout.HART_FCSR, BigInt(mode << 5) | (random.chance(20) ? INEXACT : 0n));
  return bytes;
}

/** Runs seeds until the engines differ; how often a result was tiny, or was made the smallest normal by rounding. */
function hunt(other: Engine, seeds: number) {
  const reference = new ReferenceEngine(OPTIONS);
  const engines = [reference, other];
  const seen = { underflows: 0, carries: 0 };
  for (let seed = 0; seed < seeds; seed++) {
    const random = new TestRandom(seed);
    const mode = random.pick(MODES);
    const inInstruction = random.chance(50) ? mode : 7;
    const make = random.chance(15) ? narrowing : arithmetic;
    const { instruction, operands, format } = make(random, inInstruction);
    const hart = hartOf(random, operands, mode);
    const code = new Uint8Array(4);
    new DataView(code.buffer).setUint32(0, instruction, true);
    for (const engine of engines) {
      engine.writeRam(0, code);
      engine.writeHart(0, hart);
      engine.run(0, 1);
    }
    const found = difference(reference, other);
    if (found !== null)
      return { found: `seed ${seed}: ${instruction.toString(16)}: ${found}`, ...seen };
    const flags = reference.word(0, layout.HART_FCSR) & (INEXACT | UNDERFLOW);
    const result = reference.word(0, layout.HART_F + 3 * 8);
    const smallest = near(format, format.least, 0);
    const isSmallest = [smallest, negated(format, smallest)].some(
      (bits) => boxed(format, bits) === result,
    );
    if ((flags & UNDERFLOW) !== 0n) seen.underflows++;
    if (isSmallest && flags === INEXACT) seen.carries++;
  }
  return { found: null, ...seen };
}

describe("results about the smallest normal number", () => {
  const compiled = (): Engine => new CompiledEngine({ ...OPTIONS, module: image });

  test("are the same in both engines, flags included", () => {
    const { found, underflows, carries } = hunt(compiled(), SEEDS);
    expect(found).toBeNull();
    expect(underflows).toBeGreaterThan(SEEDS / 5);
    expect(carries).toBeGreaterThan(SEEDS / 20);
  });

  test("canary: an engine that calls a result tiny that rounding made normal is caught", () => {
    const broken = compiled();
    const run = broken.run.bind(broken);
    broken.run = (hart, budget, stepOver) => {
      const result = run(hart, budget, stepOver);
      const block = broken.readHart(0);
      const view = new DataView(block.buffer);
      const isSmallest = view.getBigUint64(layout.HART_F + 3 * 8, true) === near(DOUBLE, -1022, 0);
      const flags = view.getBigUint64(layout.HART_FCSR, true);
      if (!isSmallest || (flags & INEXACT) === 0n) return result;
      view.setBigUint64(layout.HART_FCSR, flags | UNDERFLOW, true);
      broken.writeHart(0, block);
      return result;
    };
    expect(hunt(broken, SEEDS / 20).found).not.toBeNull();
  });
});
