// The table behind the interpreter loop: one entry per decoded operation. `generate.ts` turns it into the numbers that
// the decoder uses and into the cases of the loop, twice for operations that exist in 4- and 2-byte form, so that the
// step to the next entry is a constant in each case.
//
// In a body: `a` and `b` are the source registers, `imm` the immediate (64 bits, sign-extended), `entry` the decoded
// entry, `at` its address, LENGTH the bytes of the instruction, STEP the bytes of its entries.

export interface Operation {
  readonly name: string;
  /** Statements of the case; it ends by `continue` (at already moved) or falls out to the event check. */
  readonly body: string;
  /** Lengths it exists in. */
  readonly lengths: readonly (2 | 4)[];
}

const BOTH = [4, 2] as const;

const compute = (name: string, value: string): Operation => ({
  name,
  body: `write(entry, ${value}); at += STEP; continue;`,
  lengths: BOTH,
});

const COMPUTED: readonly Operation[] = [
  ["lui", "imm"],
  ["auipc", "here(at) + imm"],
  ["addi", "a + imm"],
  ["slti", "lessSigned(a, imm)"],
  ["sltiu", "lessUnsigned(a, imm)"],
  ["xori", "a ^ imm"],
  ["ori", "a | imm"],
  ["andi", "a & imm"],
  ["slli", "a << imm"],
  ["srli", "a >> imm"],
  ["srai", "<u64>(<i64>a >> imm)"],
  ["addiw", "word(<i32>a + <i32>imm)"],
  ["slliw", "word(<i32>a << <i32>imm)"],
  ["srliw", "word(<i32>(<u32>a >> <u32>imm))"],
  ["sraiw", "word(<i32>a >> <i32>imm)"],
  ["add", "a + b"],
  ["sub", "a - b"],
  ["sll", "a << (b & 63)"],
  ["slt", "lessSigned(a, b)"],
  ["sltu", "lessUnsigned(a, b)"],
  ["xor", "a ^ b"],
  ["srl", "a >> (b & 63)"],
  ["sra", "<u64>(<i64>a >> (b & 63))"],
  ["or", "a | b"],
  ["and", "a & b"],
  ["addw", "word(<i32>a + <i32>b)"],
  ["subw", "word(<i32>a - <i32>b)"],
  ["sllw", "word(<i32>a << (<i32>b & 31))"],
  ["srlw", "word(<i32>(<u32>a >> (<u32>b & 31)))"],
  ["sraw", "word(<i32>a >> (<i32>b & 31))"],
  ["mul", "a * b"],
  ["mulh", "multiplyHighSigned(a, b)"],
  ["mulhsu", "multiplyHighMixed(a, b)"],
  ["mulhu", "multiplyHigh(a, b)"],
  ["div", "divideSigned(a, b)"],
  ["divu", "divideUnsigned(a, b)"],
  ["rem", "remainderSigned(a, b)"],
  ["remu", "remainderUnsigned(a, b)"],
  ["mulw", "word(<i32>a * <i32>b)"],
  ["divw", "divideWord(<i32>a, <i32>b)"],
  ["divuw", "divideUnsignedWord(<u32>a, <u32>b)"],
  ["remw", "remainderWord(<i32>a, <i32>b)"],
  ["remuw", "remainderUnsignedWord(<u32>a, <u32>b)"],
].map(([name, value]) => compute(name!, value!));

/** A load hits the TLB when the tag is the page of its last byte, which also rules out page crossings. */
const loadOf = (name: string, type: string, width: number): Operation => ({
  name,
  body: `{
        const virtual = a + imm;
        const tlb = dataEntry(loadEntries, virtual);
        if (load<u64>(tlb) == (virtual + (sizeof<${type}>() - 1)) >> 12) {
          write(entry, <u64><i64>load<${type}>(<usize>(virtual + load<u64>(tlb, 8))));
        } else {
          set(HART_PC, here(at));
          loadSlow(virtual, ${width}, target(entry), LENGTH);
          if (event != EVENT_NONE) break;
        }
        at += STEP;
        continue;
      }`,
  lengths: BOTH,
});

const storeOf = (name: string, type: string, width: number): Operation => ({
  name,
  body: `{
        const virtual = a + imm;
        const tlb = dataEntry(storeEntries, virtual);
        if (load<u64>(tlb) == (virtual + (sizeof<${type}>() - 1)) >> 12) {
          store<${type}>(<usize>(virtual + load<u64>(tlb, 8)), <${type}>b);
        } else {
          set(HART_PC, here(at));
          storeSlow(virtual, ${width}, source(entry), b, LENGTH);
          if (event != EVENT_NONE) break;
        }
        at += STEP;
        continue;
      }`,
  lengths: BOTH,
});

const MEMORY: readonly Operation[] = [
  loadOf("lb", "i8", 0),
  loadOf("lh", "i16", 1),
  loadOf("lw", "i32", 2),
  loadOf("ld", "u64", 3),
  loadOf("lbu", "u8", 4),
  loadOf("lhu", "u16", 5),
  loadOf("lwu", "u32", 6),
  storeOf("sb", "u8", 0),
  storeOf("sh", "u16", 1),
  storeOf("sw", "u32", 2),
  storeOf("sd", "u64", 3),
];

/** Floating-point loads and stores are quick while mstatus.FS is dirty; otherwise the plain path looks. */
const floatLoad = (name: string, type: string, boxed: string, width: number): Operation => ({
  name,
  body: `{
        const virtual = a + imm;
        const tlb = dataEntry(loadEntries, virtual);
        if (!floatsDirty()) {
          set(HART_PC, here(at));
          if (!floatsOn()) { illegal(LENGTH); break; }
          loadSlow(virtual, ${width}, 32 + target(entry), LENGTH);
          if (event != EVENT_NONE) break;
        } else if (load<u64>(tlb) == (virtual + (sizeof<${type}>() - 1)) >> 12) {
          writeFloat(entry, ${boxed}load<${type}>(<usize>(virtual + load<u64>(tlb, 8))));
        } else {
          set(HART_PC, here(at));
          loadSlow(virtual, ${width}, 32 + target(entry), LENGTH);
          if (event != EVENT_NONE) break;
        }
        at += STEP;
        continue;
      }`,
  lengths: width === 3 ? BOTH : [4],
});

const floatStore = (name: string, type: string, width: number): Operation => ({
  name,
  body: `{
        const virtual = a + imm;
        const tlb = dataEntry(storeEntries, virtual);
        const value = f(source(entry));
        if (!floatsOn()) {
          set(HART_PC, here(at));
          illegal(LENGTH);
          break;
        }
        if (load<u64>(tlb) == (virtual + (sizeof<${type}>() - 1)) >> 12) {
          store<${type}>(<usize>(virtual + load<u64>(tlb, 8)), <${type}>value);
        } else {
          set(HART_PC, here(at));
          storeSlow(virtual, ${width}, 32 + source(entry), value, LENGTH);
          if (event != EVENT_NONE) break;
        }
        at += STEP;
        continue;
      }`,
  lengths: width === 3 ? BOTH : [4],
});

const FLOAT: readonly Operation[] = [
  floatLoad("flw", "u32", "0xffffffff00000000 | <u64>", 2),
  floatLoad("fld", "u64", "", 3),
  floatStore("fsw", "u32", 2),
  floatStore("fsd", "u64", 3),
  {
    name: "float",
    body: `{
        if (executeFloat(<u32>imm)) {
          at += STEP;
          continue;
        }
        set(HART_PC, here(at));
        illegal(LENGTH);
        break;
      }`,
    lengths: [4],
  },
];

const CONDITIONS: readonly (readonly [string, string])[] = [
  ["beq", "a == b"],
  ["bne", "a != b"],
  ["blt", "<i64>a < <i64>b"],
  ["bge", "<i64>a >= <i64>b"],
  ["bltu", "below(a, b)"],
  ["bgeu", "!below(a, b)"],
];

/** Leaves for another page, or for a target only known now: what follows is found through the fetch TLB. */
const LEAVE = `
          page = next & ~0xfff;
          code = codeAt(next);
          at = code + ((<usize>next & 0xffe) << 2);
          continue;`;

/** Within the page the immediate is the distance between entries; beyond it the distance in bytes. */
const BRANCHES: readonly Operation[] = CONDITIONS.flatMap(([name, condition]) => [
  {
    name,
    body: `at += ${condition} ? <usize>imm : STEP; continue;`,
    lengths: BOTH,
  },
  {
    name: `${name}Far`,
    body: `{
        if (${condition}) {
          const next = here(at) + imm;${LEAVE}
        }
        at += STEP;
        continue;
      }`,
    lengths: BOTH,
  },
]);

const JUMPS: readonly Operation[] = [
  {
    name: "jal",
    body: `write(entry, here(at) + LENGTH); at += <usize>imm; continue;`,
    lengths: BOTH,
  },
  {
    name: "jalFar",
    body: `{
        const next = here(at) + imm;
        write(entry, here(at) + LENGTH);${LEAVE}
      }`,
    lengths: BOTH,
  },
  {
    name: "jalr",
    body: `{
        const next = (a + imm) & ~1;
        write(entry, here(at) + LENGTH);
        if (next - page < 4096 && code != SCRATCH) {
          at = code + ((<usize>next & 0xffe) << 2);
          continue;
        }${LEAVE}
      }`,
    lengths: BOTH,
  },
];

const REST: readonly Operation[] = [
  {
    // Everything that is rare or changes how the hart runs; the immediate is the 32-bit instruction.
    name: "slow",
    body: `{
        set(HART_PC, here(at));
        set(HART_PROGRESS, endProgress - left - 1);
        executeSlow(<u32>imm, LENGTH);
        if (event != EVENT_NONE) break;
        at += STEP;
        continue;
      }`,
    lengths: BOTH,
  },
  {
    name: "illegal",
    body: `set(HART_PC, here(at)); illegal(LENGTH); break;`,
    lengths: BOTH,
  },
];

/** 0 is an entry not decoded yet, 1 a place where the address must be looked up; both are handled by the loop. */
export const FIRST_OPERATION = 2;

export const OPERATIONS: readonly Operation[] = [
  ...COMPUTED,
  ...MEMORY,
  ...FLOAT,
  ...BRANCHES,
  ...JUMPS,
  ...REST,
];
