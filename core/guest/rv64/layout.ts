// The state of the RV64 machine as bytes: one block per hart, the same in both engines, so that a hart can be saved,
// hashed, compared and restored without knowing which engine runs it. Both TypeScript and AssemblyScript import this
// file: it must hold nothing but numeric constants. All fields are little-endian; unless noted they are 64 bits wide.
//
// Every byte of a block is architectural state or the phase of an exit in flight; caches live elsewhere.

/** Guest physical address of the first byte of RAM. */
export const RAM_BASE = 0x80000000;
export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
export const MAX_HARTS = 8;

/** Bytes of one hart's state block. */
export const HART_BYTES = 0x800;

// Integer registers x0 to x31 (x0 is always zero), then the slot that swallows writes to x0 (zero outside a run).
export const HART_X = 0x000;
export const HART_SINK = 0x100;
// Floating-point registers f0 to f31.
export const HART_F = 0x108;

export const HART_PC = 0x208;
/** Privilege: 0 user, 1 supervisor, 3 machine. */
export const HART_PRIVILEGE = 0x210;
/** 1 while the hart waits for an interrupt after `wfi`. */
export const HART_WAITING = 0x218;
/** Physical address, 8-byte aligned, of the reservation of `lr`; all ones when there is none. */
export const HART_RESERVATION = 0x220;
/** Instructions executed since the start, those that trapped included: the clock of the machine. */
export const HART_PROGRESS = 0x228;
/** How many of those did not retire (they trapped). */
export const HART_TRAPPED = 0x230;

// The exit that waits for its answer, see machine.ts: kind (0 none, 1 load, 2 store), virtual and physical address,
// funct3 of the access, target register (32 and above: floating point), value to store, bytes of the instruction.
export const HART_EXIT_KIND = 0x240;
export const HART_EXIT_VIRTUAL = 0x248;
export const HART_EXIT_PHYSICAL = 0x250;
export const HART_EXIT_WIDTH = 0x258;
export const HART_EXIT_REGISTER = 0x260;
export const HART_EXIT_VALUE = 0x268;
export const HART_EXIT_LENGTH = 0x270;

// Control and status registers that are state of their own; the others are views of these.
export const HART_CSRS = 0x300;
export const HART_MSTATUS = 0x300;
export const HART_MEDELEG = 0x308;
export const HART_MIDELEG = 0x310;
export const HART_MIE = 0x318;
/** mip bits that software writes (SSIP, STIP, SEIP). */
export const HART_MIP = 0x320;
/** mip bits driven from outside (MSIP, MTIP, SEIP, MEIP; STIP where the host is the firmware). */
export const HART_PINS = 0x328;
export const HART_MTVEC = 0x330;
export const HART_MCOUNTEREN = 0x338;
export const HART_MENVCFG = 0x340;
export const HART_MSCRATCH = 0x348;
export const HART_MEPC = 0x350;
export const HART_MCAUSE = 0x358;
export const HART_MTVAL = 0x360;
/** mcycle and minstret are these plus the counts above, modulo 2^64. */
export const HART_CYCLE_OFFSET = 0x368;
export const HART_INSTRET_OFFSET = 0x370;
export const HART_STVEC = 0x378;
export const HART_SCOUNTEREN = 0x380;
export const HART_SENVCFG = 0x388;
export const HART_SSCRATCH = 0x390;
export const HART_SEPC = 0x398;
export const HART_SCAUSE = 0x3a0;
export const HART_STVAL = 0x3a8;
export const HART_SATP = 0x3b0;
export const HART_FCSR = 0x3b8;
/** 16 configuration bytes, then 16 addresses. */
export const HART_PMPCFG = 0x3c0;
export const HART_PMPADDR = 0x3d0;
export const HART_ID = 0x450;

// The clock behind the `time` register: time = base + floor((progress - since) * numerator / denominator).
export const HART_TIME_BASE = 0x460;
export const HART_TIME_SINCE = 0x468;
export const HART_TIME_NUMERATOR = 0x470;
export const HART_TIME_DENOMINATOR = 0x478;

/** 1: `ecall` in supervisor mode leaves the machine (the host is the firmware) instead of trapping. */
export const HART_FIRMWARE = 0x480;
/** 1: `ebreak` leaves the machine instead of trapping. */
export const HART_EBREAK_EXITS = 0x488;

export const PMP_ENTRIES = 16;

// Privilege modes.
export const PRIVILEGE_U = 0;
export const PRIVILEGE_S = 1;
export const PRIVILEGE_M = 3;

// Why `run` returned.
export const STOP_BUDGET = 0;
export const STOP_LOAD = 1;
export const STOP_STORE = 2;
export const STOP_FIRMWARE = 3;
export const STOP_WAIT = 4;
export const STOP_WATCH = 5;
export const STOP_EBREAK = 6;
export const STOP_BREAKPOINT = 7;
export const STOP_TRACE = 9;

// Bits of the flags kept for every page of RAM. DIRTY is the host's bookkeeping; the rest guard caches.
export const PAGE_DIRTY = 1;
export const PAGE_CODE = 2;
export const PAGE_TABLE = 4;
export const PAGE_WATCHED = 8;
/** The host wants to see the next store into the page, or the next access of any kind, before it. */
export const PAGE_STORE_TRACED = 64;
export const PAGE_TRACED = 128;
