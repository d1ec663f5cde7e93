// Names of registers and control registers, as the assembler writes them (RISC-V ABI; privileged specification, 2.2).

export const INTEGER_NAMES: readonly string[] = (
  "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 " +
  "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
).split(" ");

export const FLOAT_NAMES: readonly string[] = (
  "ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 " +
  "fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11"
).split(" ");

const NAMED: readonly (readonly [number, string])[] = [
  [0x001, "fflags frm fcsr"],
  [0x100, "sstatus"],
  [0x104, "sie stvec scounteren"],
  [0x10a, "senvcfg"],
  [0x140, "sscratch sepc scause stval sip"],
  [0x180, "satp"],
  [0x300, "mstatus misa medeleg mideleg mie mtvec mcounteren"],
  [0x30a, "menvcfg"],
  [0x320, "mcountinhibit"],
  [0x340, "mscratch mepc mcause mtval mip"],
  [0xb00, "mcycle"],
  [0xb02, "minstret"],
  [0xc00, "cycle time instret"],
  [0xf11, "mvendorid marchid mimpid mhartid mconfigptr"],
];

function namesOfControlRegisters(): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [first, list] of NAMED)
    list.split(" ").forEach((name, i) => names.set(first + i, name));
  for (let i = 3; i < 32; i++) {
    names.set(0xb00 + i, `mhpmcounter${i}`);
    names.set(0xc00 + i, `hpmcounter${i}`);
    names.set(0x320 + i, `mhpmevent${i}`);
  }
  for (let i = 0; i < 16; i++) names.set(0x3a0 + i, `pmpcfg${i}`);
  for (let i = 0; i < 64; i++) names.set(0x3b0 + i, `pmpaddr${i}`);
  return names;
}

/** Control registers by number; those that the machine does not have are missing. */
export const CONTROL_NAMES: ReadonlyMap<number, string> = namesOfControlRegisters();
