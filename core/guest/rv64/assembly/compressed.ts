// 16-bit instructions as the 32-bit ones they stand for; 0 when reserved. A register number of the short kind names x8 to
// x15. The letters CI, CB, CJ are the formats of the specification.

@inline function bits(h: u32, high: u32, low: u32): u32 {
  return (h >> low) & ((1 << (high - low + 1)) - 1);
}

/** A bit field of `h` moved to another place. */
@inline function move(h: u32, high: u32, low: u32, to: u32): u32 {
  return bits(h, high, low) << to;
}

@inline function extend(value: u32, width: u32): i32 {
  return <i32>(value << (32 - width)) >> (32 - width);
}

function formatI(opcode: u32, funct3: u32, rd: u32, rs1: u32, immediate: u32): u32 {
  return (immediate << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;
}

function formatS(opcode: u32, funct3: u32, rs1: u32, rs2: u32, immediate: u32): u32 {
  const split = (move(immediate, 11, 5, 25) | move(immediate, 4, 0, 7)) as u32;
  return split | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | opcode;
}

function formatR(opcode: u32, funct3: u32, funct7: u32, rd: u32, rs1: u32, rs2: u32): u32 {
  return (funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode;
}

function branch(h: u32): u32 {
  const offset =
    <u32>extend(
      move(h, 12, 12, 8) |
        move(h, 11, 10, 3) |
        move(h, 6, 5, 6) |
        move(h, 4, 3, 1) |
        move(h, 2, 2, 5),
      9,
    );
  const split =
    move(offset, 12, 12, 31) |
    move(offset, 10, 5, 25) |
    move(offset, 4, 1, 8) |
    move(offset, 11, 11, 7);
  return split | ((bits(h, 9, 7) + 8) << 15) | (bits(h, 13, 13) << 12) | 0x63;
}

function jump(h: u32): u32 {
  const offset =
    <u32>extend(
      move(h, 12, 12, 11) |
        move(h, 11, 11, 4) |
        move(h, 10, 9, 8) |
        move(h, 8, 8, 10) |
        move(h, 7, 7, 6) |
        move(h, 6, 6, 7) |
        move(h, 5, 3, 1) |
        move(h, 2, 2, 5),
      12,
    );
  return (
    move(offset, 20, 20, 31) |
    move(offset, 10, 1, 21) |
    move(offset, 11, 11, 20) |
    move(offset, 19, 12, 12) |
    0x6f
  );
}

/** Quadrant 0: stack addresses, loads and stores with short registers. */
function loadsAndStores(h: u32): u32 {
  const base = bits(h, 9, 7) + 8;
  const register = bits(h, 4, 2) + 8;
  const double = move(h, 12, 10, 3) | move(h, 6, 5, 6);
  const single = move(h, 12, 10, 3) | move(h, 6, 6, 2) | move(h, 5, 5, 6);
  switch (h >> 13) {
    case 0: {
      const offset =
        move(h, 12, 11, 4) | move(h, 10, 7, 6) | move(h, 6, 6, 2) | move(h, 5, 5, 3);
      return offset == 0 ? 0 : formatI(0x13, 0, register, 2, offset);
    }
    case 1:
      return formatI(0x07, 3, register, base, double);
    case 2:
      return formatI(0x03, 2, register, base, single);
    case 3:
      return formatI(0x03, 3, register, base, double);
    case 5:
      return formatS(0x27, 3, base, register, double);
    case 6:
      return formatS(0x23, 2, base, register, single);
    case 7:
      return formatS(0x23, 3, base, register, double);
    default:
      return 0;
  }
}

function shortArithmetic(h: u32, immediate: u32): u32 {
  const rd = bits(h, 9, 7) + 8;
  const rs2 = bits(h, 4, 2) + 8;
  switch (bits(h, 11, 10)) {
    case 0:
      return formatI(0x13, 5, rd, rd, immediate & 63);
    case 1:
      return formatI(0x13, 5, rd, rd, 0x400 | (immediate & 63));
    case 2:
      return formatI(0x13, 7, rd, rd, immediate);
  }
  const which = bits(h, 6, 5);
  if (bits(h, 12, 12) != 0) {
    if (which > 1) return 0;
    return formatR(0x3b, 0, which == 0 ? 0x20 : 0, rd, rd, rs2);
  }
  const funct3: u32 = which == 0 ? 0 : which == 1 ? 4 : which == 2 ? 6 : 7;
  return formatR(0x33, funct3, which == 0 ? 0x20 : 0, rd, rd, rs2);
}

/** Quadrant 1: arithmetic with immediates, jumps and branches. */
function arithmetic(h: u32): u32 {
  const rd = bits(h, 11, 7);
  const immediate = <u32>extend(move(h, 12, 12, 5) | bits(h, 6, 2), 6);
  switch (h >> 13) {
    case 0:
      return formatI(0x13, 0, rd, rd, immediate);
    case 1:
      return rd == 0 ? 0 : formatI(0x1b, 0, rd, rd, immediate);
    case 2:
      return formatI(0x13, 0, rd, 0, immediate);
    case 3: {
      if (immediate == 0) return 0;
      if (rd != 2) return (immediate << 12) | (rd << 7) | 0x37;
      const adjust =
        move(h, 12, 12, 9) |
        move(h, 6, 6, 4) |
        move(h, 5, 5, 6) |
        move(h, 4, 3, 7) |
        move(h, 2, 2, 5);
      return formatI(0x13, 0, 2, 2, <u32>extend(adjust, 10));
    }
    case 4:
      return shortArithmetic(h, immediate);
    case 5:
      return jump(h);
    default:
      return branch(h);
  }
}

function movesAndCalls(h: u32): u32 {
  const rd = bits(h, 11, 7);
  const rs2 = bits(h, 6, 2);
  const second = bits(h, 12, 12) != 0;
  if (rs2 != 0) return formatR(0x33, 0, 0, rd, second ? rd : 0, rs2);
  if (rd == 0) return second ? 0x00100073 : 0;
  return formatI(0x67, 0, second ? 1 : 0, rd, 0);
}

/** Quadrant 2: shifts, stack loads and stores, moves and calls. */
function stackAndMoves(h: u32): u32 {
  const rd = bits(h, 11, 7);
  const rs2 = bits(h, 6, 2);
  const double = move(h, 12, 12, 5) | move(h, 6, 5, 3) | move(h, 4, 2, 6);
  const storeDouble = move(h, 12, 10, 3) | move(h, 9, 7, 6);
  switch (h >> 13) {
    case 0:
      return formatI(0x13, 1, rd, rd, move(h, 12, 12, 5) | rs2);
    case 1:
      return formatI(0x07, 3, rd, 2, double);
    case 2: {
      const single = move(h, 12, 12, 5) | move(h, 6, 4, 2) | move(h, 3, 2, 6);
      return rd == 0 ? 0 : formatI(0x03, 2, rd, 2, single);
    }
    case 3:
      return rd == 0 ? 0 : formatI(0x03, 3, rd, 2, double);
    case 4:
      return movesAndCalls(h);
    case 5:
      return formatS(0x27, 3, 2, rs2, storeDouble);
    case 6:
      return formatS(0x23, 2, 2, rs2, move(h, 12, 9, 2) | move(h, 8, 7, 6));
    default:
      return formatS(0x23, 3, 2, rs2, storeDouble);
  }
}

export function expand(h: u32): u32 {
  const quadrant = h & 3;
  return quadrant == 0 ? loadsAndStores(h) : quadrant == 1 ? arithmetic(h) : stackAndMoves(h);
}
