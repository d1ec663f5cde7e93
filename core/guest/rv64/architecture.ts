// Which bits of which registers this machine implements: the choices that the privileged specification leaves to an
// implementation (WARL masks, legal values). Both engines read them, so a difference between engines is never a
// difference of opinion. Numbers only; 64-bit masks are given as hexadecimal that both languages accept.

// mstatus bits.
export const MSTATUS_SIE = 0x2;
export const MSTATUS_MIE = 0x8;
export const MSTATUS_SPIE = 0x20;
export const MSTATUS_MPIE = 0x80;
export const MSTATUS_SPP = 0x100;
export const MSTATUS_MPP = 0x1800;
export const MSTATUS_MPP_SHIFT = 11;
export const MSTATUS_FS = 0x6000;
export const MSTATUS_MPRV = 0x20000;
export const MSTATUS_SUM = 0x40000;
export const MSTATUS_MXR = 0x80000;
export const MSTATUS_TVM = 0x100000;
export const MSTATUS_TW = 0x200000;
export const MSTATUS_TSR = 0x400000;

/** Bits of mstatus that software writes: SIE MIE SPIE MPIE SPP MPP FS MPRV SUM MXR TVM TW TSR. */
export const MSTATUS_WRITABLE = 0x7e79aa;
/** The part of it that sstatus shows: SIE SPIE SPP FS SUM MXR. */
export const SSTATUS_WRITABLE = 0xc6122;

/** Exceptions that medeleg can delegate: all but 10, 11 and 14. */
export const MEDELEG_WRITABLE = 0xb3ff;
/** Supervisor software, timer and external interrupts. */
export const SUPERVISOR_INTERRUPTS = 0x222;
/** Those and their machine-level kin. */
export const ALL_INTERRUPTS = 0xaaa;
/** What is driven from outside: MSIP, STIP (by the host as firmware), MTIP, SEIP, MEIP. */
export const PIN_INTERRUPTS = 0xaa8;
export const SSIP = 0x2;
export const STIP = 0x20;
export const SEIP = 0x200;

export const COUNTEREN_WRITABLE = 0xffffffff;
/** FIOM, the one bit of menvcfg and senvcfg. */
export const ENVCFG_WRITABLE = 1;

// Causes of synchronous traps.
export const CAUSE_FETCH_ACCESS = 1;
export const CAUSE_ILLEGAL = 2;
export const CAUSE_BREAKPOINT = 3;
export const CAUSE_LOAD_MISALIGNED = 4;
export const CAUSE_LOAD_ACCESS = 5;
export const CAUSE_STORE_MISALIGNED = 6;
export const CAUSE_STORE_ACCESS = 7;
export const CAUSE_ECALL_U = 8;
export const CAUSE_ECALL_S = 9;
export const CAUSE_ECALL_M = 11;
export const CAUSE_FETCH_PAGE = 12;
export const CAUSE_LOAD_PAGE = 13;
export const CAUSE_STORE_PAGE = 15;

// CSR numbers.
export const CSR_FFLAGS = 0x001;
export const CSR_FRM = 0x002;
export const CSR_FCSR = 0x003;
export const CSR_SSTATUS = 0x100;
export const CSR_SIE = 0x104;
export const CSR_STVEC = 0x105;
export const CSR_SCOUNTEREN = 0x106;
export const CSR_SENVCFG = 0x10a;
export const CSR_SSCRATCH = 0x140;
export const CSR_SEPC = 0x141;
export const CSR_SCAUSE = 0x142;
export const CSR_STVAL = 0x143;
export const CSR_SIP = 0x144;
export const CSR_SATP = 0x180;
export const CSR_MSTATUS = 0x300;
export const CSR_MISA = 0x301;
export const CSR_MEDELEG = 0x302;
export const CSR_MIDELEG = 0x303;
export const CSR_MIE = 0x304;
export const CSR_MTVEC = 0x305;
export const CSR_MCOUNTEREN = 0x306;
export const CSR_MENVCFG = 0x30a;
export const CSR_MCOUNTINHIBIT = 0x320;
export const CSR_MHPMEVENT3 = 0x323;
export const CSR_MHPMEVENT31 = 0x33f;
export const CSR_MSCRATCH = 0x340;
export const CSR_MEPC = 0x341;
export const CSR_MCAUSE = 0x342;
export const CSR_MTVAL = 0x343;
export const CSR_MIP = 0x344;
export const CSR_PMPCFG0 = 0x3a0;
export const CSR_PMPCFG2 = 0x3a2;
export const CSR_PMPADDR0 = 0x3b0;
export const CSR_PMPADDR15 = 0x3bf;
export const CSR_MCYCLE = 0xb00;
export const CSR_MINSTRET = 0xb02;
export const CSR_MHPMCOUNTER3 = 0xb03;
export const CSR_MHPMCOUNTER31 = 0xb1f;
export const CSR_CYCLE = 0xc00;
export const CSR_TIME = 0xc01;
export const CSR_INSTRET = 0xc02;
export const CSR_HPMCOUNTER3 = 0xc03;
export const CSR_HPMCOUNTER31 = 0xc1f;
export const CSR_MVENDORID = 0xf11;
export const CSR_MARCHID = 0xf12;
export const CSR_MIMPID = 0xf13;
export const CSR_MHARTID = 0xf14;
export const CSR_MCONFIGPTR = 0xf15;

// Bits of a page table entry.
export const PTE_V = 1;
export const PTE_R = 2;
export const PTE_W = 4;
export const PTE_X = 8;
export const PTE_U = 16;
export const PTE_A = 64;
export const PTE_D = 128;
