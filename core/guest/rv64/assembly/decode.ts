// An instruction as an entry of a decoded page: bits 0-7 operation, 8-15 rd (32 stands for x0), 16-23 rs1, 24-31 rs2,
// 32-63 immediate. What the loop has no case for becomes "slow" with the instruction as immediate; what is certainly
// illegal becomes "illegal".

import * as op from "./build/opcodes";
import { expand } from "./compressed";

const ILLEGAL: u64 = 0;

@inline function entryOf(operation: u64, rd: u32, rs1: u32, rs2: u32, immediate: i32): u64 {
  const target: u64 = rd == 0 ? 32 : rd;
  return (
    operation |
    (target << 8) |
    (<u64>rs1 << 16) |
    (<u64>rs2 << 24) |
    (<u64>(<u32>immediate) << 32)
  );
}

/** Operation numbers come in pairs: the 4-byte form, then the 2-byte form. */
@inline function form(operation: u64, short: bool): u64 {
  return short ? operation + 1 : operation;
}

function register(funct3: u32, funct7: u32): u64 {
  if (funct7 == 0) {
    switch (funct3) {
      case 0: return op.OP_ADD_4;
      case 1: return op.OP_SLL_4;
      case 2: return op.OP_SLT_4;
      case 3: return op.OP_SLTU_4;
      case 4: return op.OP_XOR_4;
      case 5: return op.OP_SRL_4;
      case 6: return op.OP_OR_4;
      default: return op.OP_AND_4;
    }
  }
  if (funct7 == 1) {
    switch (funct3) {
      case 0: return op.OP_MUL_4;
      case 1: return op.OP_MULH_4;
      case 2: return op.OP_MULHSU_4;
      case 3: return op.OP_MULHU_4;
      case 4: return op.OP_DIV_4;
      case 5: return op.OP_DIVU_4;
      case 6: return op.OP_REM_4;
      default: return op.OP_REMU_4;
    }
  }
  if (funct7 == 0x20 && funct3 == 0) return op.OP_SUB_4;
  return funct7 == 0x20 && funct3 == 5 ? op.OP_SRA_4 : ILLEGAL;
}

function register32(funct3: u32, funct7: u32): u64 {
  if (funct7 == 0) {
    if (funct3 == 0) return op.OP_ADDW_4;
    if (funct3 == 1) return op.OP_SLLW_4;
    return funct3 == 5 ? op.OP_SRLW_4 : ILLEGAL;
  }
  if (funct7 == 1) {
    switch (funct3) {
      case 0: return op.OP_MULW_4;
      case 4: return op.OP_DIVW_4;
      case 5: return op.OP_DIVUW_4;
      case 6: return op.OP_REMW_4;
      case 7: return op.OP_REMUW_4;
      default: return ILLEGAL;
    }
  }
  if (funct7 == 0x20 && funct3 == 0) return op.OP_SUBW_4;
  return funct7 == 0x20 && funct3 == 5 ? op.OP_SRAW_4 : ILLEGAL;
}

function immediate(funct3: u32, top: u32): u64 {
  switch (funct3) {
    case 0: return op.OP_ADDI_4;
    case 1: return top == 0 ? op.OP_SLLI_4 : ILLEGAL;
    case 2: return op.OP_SLTI_4;
    case 3: return op.OP_SLTIU_4;
    case 4: return op.OP_XORI_4;
    case 5: return top == 0 ? op.OP_SRLI_4 : top == 0x10 ? op.OP_SRAI_4 : ILLEGAL;
    case 6: return op.OP_ORI_4;
    default: return op.OP_ANDI_4;
  }
}

function immediate32(funct3: u32, funct7: u32): u64 {
  if (funct3 == 0) return op.OP_ADDIW_4;
  if (funct3 == 1) return funct7 == 0 ? op.OP_SLLIW_4 : ILLEGAL;
  if (funct3 != 5) return ILLEGAL;
  return funct7 == 0 ? op.OP_SRLIW_4 : funct7 == 0x20 ? op.OP_SRAIW_4 : ILLEGAL;
}

function loadOf(funct3: u32): u64 {
  switch (funct3) {
    case 0: return op.OP_LB_4;
    case 1: return op.OP_LH_4;
    case 2: return op.OP_LW_4;
    case 3: return op.OP_LD_4;
    case 4: return op.OP_LBU_4;
    case 5: return op.OP_LHU_4;
    case 6: return op.OP_LWU_4;
    default: return ILLEGAL;
  }
}

function storeOf(funct3: u32): u64 {
  switch (funct3) {
    case 0: return op.OP_SB_4;
    case 1: return op.OP_SH_4;
    case 2: return op.OP_SW_4;
    case 3: return op.OP_SD_4;
    default: return ILLEGAL;
  }
}

function branchOf(funct3: u32, near: bool): u64 {
  switch (funct3) {
    case 0: return near ? op.OP_BEQ_4 : op.OP_BEQ_FAR_4;
    case 1: return near ? op.OP_BNE_4 : op.OP_BNE_FAR_4;
    case 4: return near ? op.OP_BLT_4 : op.OP_BLT_FAR_4;
    case 5: return near ? op.OP_BGE_4 : op.OP_BGE_FAR_4;
    case 6: return near ? op.OP_BLTU_4 : op.OP_BLTU_FAR_4;
    case 7: return near ? op.OP_BGEU_4 : op.OP_BGEU_FAR_4;
    default: return ILLEGAL;
  }
}

@inline function offsetB(word: u32): i32 {
  return (
    ((<i32>word >> 31) << 12) |
    <i32>((word << 4) & 0x800) |
    <i32>((word >> 20) & 0x7e0) |
    <i32>((word >> 7) & 0x1e)
  );
}

@inline function offsetJ(word: u32): i32 {
  return (
    ((<i32>word >> 31) << 20) |
    <i32>(word & 0xff000) |
    <i32>((word >> 9) & 0x800) |
    <i32>((word >> 20) & 0x7fe)
  );
}

@inline function offsetS(word: u32): i32 {
  return ((<i32>word >> 25) << 5) | <i32>((word >> 7) & 31);
}

/** Whether a jump over this distance stays on the page; `offset` is all ones when nothing may be assumed. */
@inline function staysOn(offset: u32, distance: i32): bool {
  return offset != 0xffffffff && <u32>(<i32>offset + distance) < 4096;
}

function decodeWord(word: u32, short: bool, offset: u32): u64 {
  const rd = (word >> 7) & 31;
  const rs1 = (word >> 15) & 31;
  const rs2 = (word >> 20) & 31;
  const funct3 = (word >> 12) & 7;
  const funct7 = word >> 25;
  const signed = <i32>word >> 20;
  let operation: u64 = ILLEGAL;
  switch (word & 0x7f) {
    case 0x03:
      operation = loadOf(funct3);
      return operation == 0 ? 0 : entryOf(form(operation, short), rd, rs1, 0, signed);
    case 0x07:
      if (funct3 == 2) return entryOf(op.OP_FLW_4, rd == 0 ? 64 : rd, rs1, 0, signed);
      if (funct3 != 3) return ILLEGAL;
      return entryOf(form(op.OP_FLD_4, short), rd == 0 ? 64 : rd, rs1, 0, signed);
    case 0x0f:
      return funct3 <= 1 ? entryOf(op.OP_ADDI_4, 0, 0, 0, 0) : ILLEGAL;
    case 0x13:
      operation = immediate(funct3, word >> 26);
      if (operation == 0) return ILLEGAL;
      const shift = funct3 == 1 || funct3 == 5;
      return entryOf(form(operation, short), rd, rs1, 0, shift ? signed & 63 : signed);
    case 0x17:
      return entryOf(form(op.OP_AUIPC_4, short), rd, 0, 0, <i32>(word & 0xfffff000));
    case 0x1b:
      operation = immediate32(funct3, funct7);
      if (operation == 0) return ILLEGAL;
      return entryOf(form(operation, short), rd, rs1, 0, funct3 == 0 ? signed : signed & 31);
    case 0x23:
      operation = storeOf(funct3);
      return operation == 0 ? 0 : entryOf(form(operation, short), 0, rs1, rs2, offsetS(word));
    case 0x27:
      if (funct3 == 2) return entryOf(op.OP_FSW_4, 0, rs1, rs2, offsetS(word));
      if (funct3 != 3) return ILLEGAL;
      return entryOf(form(op.OP_FSD_4, short), 0, rs1, rs2, offsetS(word));
    case 0x33:
      operation = register(funct3, funct7);
      return operation == 0 ? 0 : entryOf(form(operation, short), rd, rs1, rs2, 0);
    case 0x37:
      return entryOf(form(op.OP_LUI_4, short), rd, 0, 0, <i32>(word & 0xfffff000));
    case 0x3b:
      operation = register32(funct3, funct7);
      return operation == 0 ? 0 : entryOf(form(operation, short), rd, rs1, rs2, 0);
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f:
    case 0x53:
      return entryOf(op.OP_FLOAT_4, 0, 0, 0, <i32>word);
    case 0x63: {
      const distance = offsetB(word);
      const near = staysOn(offset, distance);
      operation = branchOf(funct3, near);
      if (operation == 0) return ILLEGAL;
      return entryOf(form(operation, short), 0, rs1, rs2, near ? distance * 4 : distance);
    }
    case 0x67:
      return funct3 != 0 ? 0 : entryOf(form(op.OP_JALR_4, short), rd, rs1, 0, signed);
    case 0x6f: {
      const distance = offsetJ(word);
      const near = staysOn(offset, distance);
      operation = near ? op.OP_JAL_4 : op.OP_JAL_FAR_4;
      return entryOf(form(operation, short), rd, 0, 0, near ? distance * 4 : distance);
    }
    case 0x2f:
    case 0x73:
      return entryOf(form(op.OP_SLOW_4, short), 0, 0, 0, <i32>word);
    default:
      return ILLEGAL;
  }
}

/**
 * The entry for an instruction: 32 bits, or 16 when the low two bits are not both set. `offset` is its place in the
 * page, which makes jumps within the page near; all ones: every jump is far.
 */
export function decode(raw: u32, offset: u32): u64 {
  const short = (raw & 3) != 3;
  const word = short ? expand(raw) : raw;
  const entry = word == 0 ? ILLEGAL : decodeWord(word, short, offset);
  if (entry != ILLEGAL) return entry;
  return entryOf(form(op.OP_ILLEGAL_4, short), 0, 0, 0, 0);
}
