// Bodies of the differential tests about traps and translation. A trap handler records cause, value and the mstatus bits
// of the stack, then goes on at s9. Only what the specification fixes is recorded: where it leaves a choice (the value
// of an ebreak, misaligned atomics of a failed reservation) the two need not agree. Misaligned AMOs are left out: QEMU 7.2
// reports them as loads (cause 4), the specification as stores (cause 6).

const HANDLER = `
    j past_handler
    .balign 4
handler:
    csrr t0, mcause
    csrr t1, mtval
    csrr t2, mstatus
    li t3, 0x1888
    and t2, t2, t3
    sd t0, 0(s11)
    sd t1, 8(s11)
    sd t2, 16(s11)
    addi s11, s11, 24
    csrw mepc, s9
    li t3, 0x1800
    csrs mstatus, t3
    mret
past_handler:
    la t0, handler
    csrw mtvec, t0
`;

/** Enters a mode at the label; the trap that follows comes back behind the snippet. */
const inMode = (mode: 0 | 1 | 3, body: string, id: number): string => `
    la s9, after_${id}
    li t0, 0x1800
    csrc mstatus, t0
    li t0, ${mode << 11}
    csrs mstatus, t0
    la t0, body_${id}
    csrw mepc, t0
    mret
    .balign 4
body_${id}:
    ${body}
    li a7, 77
    ecall
after_${id}:
`;

const SNIPPETS = [
  "ecall",
  ".word 0xffffffff",
  ".word 0x00000000",
  ".word 0x0000007b",
  ".half 0x0000",
  ".half 0x6081; .half 1",
  ".half 0x8002; .half 1",
  ".half 0x4002; .half 1",
  ".half 0x2001; .half 1",
  ".half 0x9c41; .half 1",
  ".word 0x02007043",
  "csrr t0, mstatus",
  "csrr t0, sstatus",
  "csrr t0, 0x7c0",
  "csrw mhartid, t0",
  "csrw cycle, t0",
  "csrr t0, cycle",
  "csrr t0, satp",
  "csrw satp, zero",
  "sfence.vma",
  "sret; nop",
  "mret; nop",
  "la t4, results; addi t4, t4, 1; lr.w t0, (t4)",
  "li t4, 0x40000000; ld t0, 0(t4)",
  "li t4, 0x40000000; sw t0, 0(t4)",
  "li t4, 0x40000000; jr t4",
  "csrwi frm, 5; fadd.d fa0, fa1, fa2; csrwi frm, 0",
  ".word 0x02c5d553",
  ".word 0x16c5f553",
] as const;

const SETTINGS = [
  "csrw mcounteren, zero; csrw scounteren, zero",
  "li t0, 7; csrw mcounteren, t0; csrw scounteren, zero",
  "li t0, 7; csrw mcounteren, t0; csrw scounteren, t0",
  "li t0, 0x700000; csrs mstatus, t0",
] as const;

/** Every snippet in every mode under every setting, in machine mode only where it comes back. */
function cases(): readonly string[] {
  let id = 0;
  return SETTINGS.flatMap((setting) => [
    `    ${setting}\n`,
    ...([0, 1, 3] as const).flatMap((mode) =>
      SNIPPETS.filter((text) => !returns(text, mode)).map((text) => inMode(mode, text, id++)),
    ),
  ]);
}

/** Returns from traps that succeed would leave the test; they have tests of their own. */
const returns = (text: string, mode: number): boolean =>
  (text.startsWith("sret") && mode !== 0) || (text.startsWith("mret") && mode === 3);

export const trapProgram = (): string => `${HANDLER}${cases().join("")}    li t0, 0x700000
    csrc mstatus, t0
    la t0, unexpected
    csrw mtvec, t0
`;

export const trapTests = (): number => cases().filter((text) => text.includes("body_")).length;

/**
 * All 256 low bytes of a leaf entry, for load, store and fetch, in user and supervisor mode, with and without SUM and
 * MXR: the cause and the entry afterwards.
 */
export const pagingProgram = (): string => `${HANDLER}
    la t0, page_handler
    csrw mtvec, t0
    la a0, root
    li t1, (0x80000000 >> 12 << 10) | 0xcf
    sd t1, 16(a0)
    la t1, middle
    srli t1, t1, 2
    ori t1, t1, 1
    sd t1, 0(a0)
    la a1, middle
    la t1, leaf
    srli t1, t1, 2
    ori t1, t1, 1
    sd t1, 0(a1)
    la a2, leaf
    srli t0, a0, 12
    li t1, 8
    slli t1, t1, 60
    or t0, t0, t1
    csrw satp, t0
    li s0, 0
each_flags:
    li s10, 0
    li s1, 0
each_case:
    # Bits of s1: 0 supervisor, 1 SUM, 2 MXR, 3-4 access.
    li t0, 0xc1800
    csrc mstatus, t0
    andi t0, s1, 1
    slli t0, t0, 11
    csrs mstatus, t0
    andi t0, s1, 6
    slli t0, t0, 17
    csrs mstatus, t0
    la t1, target
    srli t1, t1, 2
    or t1, t1, s0
    sd t1, 8(a2)
    sfence.vma
    srli t0, s1, 3
    li a3, 0x1000
    # The access itself is made with the privileges of MPP where it is a load or store.
    li t1, 2
    beq t0, t1, fetch
    la t2, page_done
    li t1, 0x20000
    bnez t0, do_store
    csrs mstatus, t1
    ld t4, 0(a3)
    j completed
do_store:
    csrs mstatus, t1
    sd zero, 64(a3)
completed:
    li t1, 0x20000
    csrc mstatus, t1
    li t0, 99
    j record
fetch:
    csrw mepc, a3
    mret
    .balign 4
page_handler:
    csrr t0, mcause
    csrr t1, mtval
    xor t0, t0, t1
record:
    li t1, 0x20000
    csrc mstatus, t1
    li t1, 0x1800
    csrs mstatus, t1
    ld t2, 8(a2)
    xor s10, s10, t0
    li t6, 0x100000001b3
    mul s10, s10, t6
    xor s10, s10, t2
    mul s10, s10, t6
    srli t6, s10, 29
    xor s10, s10, t6
    addi s1, s1, 1
    li t0, 24
    bltu s1, t0, each_case
    sd s10, 0(s11)
    addi s11, s11, 8
    addi s0, s0, 1
    li t0, 256
    bltu s0, t0, each_flags
page_done:
    csrw satp, zero
    j finished
    .section .data
    .balign 4096
root:   .zero 4096
middle: .zero 4096
leaf:   .zero 4096
target: ecall
    .zero 4092
    .section .text.start
`;

export const pagingTests = (): number => 256 * 24;
