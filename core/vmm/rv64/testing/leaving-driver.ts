/**
 * A program with an integrity driver whose one violating write is the last instruction of its code: the
 * instruction that raises the alert also leaves integrity mode. Round after round a timer's interrupt comes
 * an instruction or two later, before the driver, in it, at the write and behind it.
 */
const BASE = 0x8000_0000;
const PAGE = 4_096;
const HEADER_BYTES = 0x1000;
/** Pages: the kernel, its trap handler, the driver's code, what follows it, its data, what it protects. */
const [HANDLER, CODE, BEHIND, DATA, PROTECTED, PAGES] = [1, 2, 3, 4, 5, 6];

const [ZERO, T0, T1, S0, A0, A1, A2, A3, A4, A6, A7, S2, S3] = [
  0, 5, 6, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19,
];
const iType = (op: number, f3: number, rd: number, rs1: number, imm: number): number =>
  ((imm << 20) | (rs1 << 15) | (f3 << 12) | (rd << 7) | op) >>> 0;
const addi = (rd: number, rs1: number, imm: number): number => iType(0x13, 0, rd, rs1, imm);
const andi = (rd: number, rs1: number, imm: number): number => iType(0x13, 7, rd, rs1, imm);
const li = (rd: number, imm: number): number => addi(rd, ZERO, imm);
const lui = (rd: number, upper: number): number => ((upper << 12) | (rd << 7) | 0x37) >>> 0;
const auipc = (rd: number, pages: number): number => ((pages << 12) | (rd << 7) | 0x17) >>> 0;
const add = (rd: number, rs1: number, rs2: number): number =>
  ((rs2 << 20) | (rs1 << 15) | (rd << 7) | 0x33) >>> 0;
const csrWrite = (csr: number, rs1: number): number => iType(0x73, 1, ZERO, rs1, csr);
const csrSet = (csr: number, bits: number): number => iType(0x73, 6, ZERO, bits, csr);
const sd = (rs1: number): number => ((rs1 << 15) | (3 << 12) | 0x23) >>> 0;
const jalr = (rd: number, rs1: number): number => iType(0x67, 0, rd, rs1, 0);
const bnez = (rs1: number, offset: number): number =>
  ((((offset >> 12) & 1) << 31) |
    (((offset >> 5) & 63) << 25) |
    (rs1 << 15) |
    (1 << 12) |
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

const ECALL = 0x73;
const SRET = 0x1020_0073;
const [SSTATUS, SIE, STVEC] = [0x100, 0x104, 0x105];
const rdtime = (rd: number): number => iType(0x73, 2, rd, ZERO, 0xc01);
const GUARD = [lui(A7, 0x0a004), addi(A7, A7, 0x749)];
const TIME = [lui(A7, 0x54495), addi(A7, A7, -0x2bb)];
const RESET = [lui(A7, 0x53525), addi(A7, A7, 0x354)];

/** The address of a page, at instruction `at` of page `from`. */
const addressOf = (rd: number, page: number, from: number, at: number): number[] => [
  auipc(rd, page - from),
  addi(rd, rd, -4 * at),
];

/** s0: rounds left. s2: the driver's entry. s3: what it protects. */
function kernel(rounds: number): number[] {
  const words: number[] = [];
  const put = (...more: readonly number[]): void => void words.push(...more);
  const address = (rd: number, page: number): void => put(...addressOf(rd, page, 0, words.length));
  address(T0, HANDLER);
  put(csrWrite(STVEC, T0));
  address(A0, CODE);
  put(lui(A1, 1));
  address(A2, DATA);
  put(lui(A3, 1), addi(A4, A0, 12), li(A6, 0), ...GUARD, ECALL);
  address(S2, CODE);
  address(S3, PROTECTED);
  put(li(S0, rounds));
  const round = words.length;
  // A tick of the clock is ten instructions: the interrupt comes within the next few, or in the next tick.
  put(...TIME, li(A6, 0), rdtime(A0), addi(A0, A0, 3), ECALL);
  put(li(T0, 32), csrWrite(SIE, T0), csrSet(SSTATUS, 2));
  put(andi(T1, S0, 7), addi(T1, T1, 1), addi(T1, T1, -1), bnez(T1, -4));
  put(jalr(1, S2));
  // The driver falls out of its code, and what follows it jumps back here.
  const back = words.length;
  put(addi(S0, S0, -1), bnez(S0, (round - back - 1) * 4));
  put(...RESET, li(A6, 0), li(A0, 0), li(A1, 0), ECALL);
  return words;
}

/** Enters, protects a page, and writes it at its very end. */
function driver(): { readonly words: number[]; readonly last: number } {
  const words = [...GUARD, li(A6, 1), ECALL];
  words.push(li(A6, 3), add(A0, S3, ZERO), lui(A1, 1), ...GUARD, ECALL);
  const end = PAGE / 4 - 1;
  words.push(jump((end - words.length) * 4));
  return { words, last: sd(S3) };
}

/** Of a machine of 1 MiB that starts in supervisor mode: it violates `rounds` times. */
export function leavingDriver(rounds: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + PAGES * PAGE);
  const head = new DataView(bytes.buffer);
  head.setUint32(0, 0x7f45_4c46);
  head.setUint32(4, 0x0201_0100);
  head.setUint16(16, 2, true);
  head.setUint16(18, 243, true);
  head.setUint32(20, 1, true);
  head.setBigUint64(24, BigInt(BASE), true);
  head.setBigUint64(32, 64n, true);
  head.setUint16(52, 64, true);
  head.setUint16(54, 56, true);
  head.setUint16(56, 1, true);
  head.setUint32(64, 1, true);
  head.setUint32(68, 7, true);
  const segment = [HEADER_BYTES, BASE, BASE, PAGES * PAGE, PAGES * PAGE, PAGE];
  segment.forEach((value, at) => head.setBigUint64(72 + at * 8, BigInt(value), true));
  const put = (page: number, at: number, words: readonly number[]): void =>
    words.forEach((word, index) =>
      head.setUint32(HEADER_BYTES + page * PAGE + (at + index) * 4, word, true),
    );
  const { words, last } = driver();
  const main = kernel(rounds);
  put(0, 0, main);
  put(HANDLER, 0, [csrWrite(SIE, ZERO), SRET]);
  put(CODE, 0, words);
  put(CODE, PAGE / 4 - 1, [last]);
  const back = main.lastIndexOf(jalr(1, S2)) + 1;
  put(BEHIND, 0, [jump(back * 4 - BEHIND * PAGE)]);
  return bytes;
}
