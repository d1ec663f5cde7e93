// Which interrupt is taken, by whom and through which vector: every set of pending supervisor interrupts, under every mask
// and delegation, with the enable bits of both modes, in all three modes. Devices take no part: the pending bits are
// written by software. Cases with two interrupts ready for the same mode are left out: QEMU 7.2 takes the one with the lowest
// number, the specification external before software before timer.

const vectors = (name: string): string =>
  Array.from(
    { length: 16 },
    (_, i) => `    .option push\n    .option norvc\n    j ${name}_${i}\n    .option pop`,
  ).join("\n");

const entry = (name: string, body: string, i: number): string =>
  `${name}_${i}:\n    li t5, ${i}\n    j ${body}`;

const entries = (name: string, body: string): string =>
  Array.from({ length: 16 }, (_, i) => entry(name, body, i)).join("\n");

export const interruptProgram = (): string => `
    la t0, machine_vectors
    ori t0, t0, 1
    csrw mtvec, t0
    la t0, supervisor_vectors
    ori t0, t0, 1
    csrw stvec, t0
    li s0, 0
    li s10, 0
next_case:
    # Bits of s0, three each of software, timer, external: pending, enabled, delegated;
    # then 9 MIE, 10 SIE, 11-12 mode.
    srli s1, s0, 11
    li t0, 3
    beq s1, t0, last_case
    li t0, 2
    bne s1, t0, 1f
    li s1, 3
1:  srli t0, s0, 3
    and t0, t0, s0
    andi t0, t0, 7
    srli t1, s0, 6
    and t2, t0, t1
    not t1, t1
    and t3, t0, t1
    addi t0, t2, -1
    and t2, t2, t0
    bnez t2, skipped_case
    addi t0, t3, -1
    and t3, t3, t0
    bnez t3, skipped_case
    csrw mie, zero
    csrw mip, zero
    srli a0, s0, 6
    call spread
    csrw mideleg, a0
    srli a0, s0, 3
    call spread
    mv s3, a0
    mv a0, s0
    call spread
    csrw mip, a0
    # MPP, MPIE and SIE of the mode to enter; nothing is enabled before.
    li t0, 0x198a
    csrc mstatus, t0
    slli t0, s1, 11
    csrs mstatus, t0
    srli t0, s0, 10
    andi t0, t0, 1
    slli t0, t0, 1
    csrs mstatus, t0
    srli t0, s0, 9
    andi t0, t0, 1
    slli t0, t0, 7
    csrs mstatus, t0
    la t0, in_mode
    csrw mepc, t0
    li s4, 0
    li s5, 0
    csrw mie, s3
    mret
    .balign 4
in_mode:
    nop
    ecall

    .balign 64
machine_vectors:
${vectors("machine")}
${entries("machine", "machine_trap")}
machine_trap:
    csrr t0, mcause
    csrr t1, mstatus
    li t2, 0x19aa
    and t1, t1, t2
    slli t5, t5, 16
    xor t0, t0, t5
    slli t1, t1, 24
    xor t0, t0, t1
    xor s10, s10, t0
    li t6, 0x100000001b3
    mul s10, s10, t6
    xor s10, s10, s4
    mul s10, s10, t6
    xor s10, s10, s5
    mul s10, s10, t6
    # Without the machine's own: a timer that was never set may be pending.
    csrr t0, mip
    andi t0, t0, 0x222
    xor s10, s10, t0
    srli t0, s10, 29
    xor s10, s10, t0
    li t0, 0x1888
    csrc mstatus, t0
    la t0, skipped_case
    csrw mepc, t0
    li t0, 0x1800
    csrs mstatus, t0
    mret
skipped_case:
    andi t0, s0, 15
    li t1, 15
    bne t0, t1, 2f
    sd s10, 0(s11)
    addi s11, s11, 8
2:  addi s0, s0, 1
    j next_case

    .balign 64
supervisor_vectors:
${vectors("supervisor")}
${entries("supervisor", "supervisor_trap")}
supervisor_trap:
    csrr s4, scause
    slli t5, t5, 16
    xor s4, s4, t5
    csrr s5, sstatus
    csrr t0, sip
    slli t0, t0, 24
    xor s5, s5, t0
    ecall

    # The three bits of a0 as interrupts 1, 5 and 9.
spread:
    andi t0, a0, 1
    slli t0, t0, 1
    andi t1, a0, 2
    slli t1, t1, 4
    andi t2, a0, 4
    slli t2, t2, 7
    or a0, t0, t1
    or a0, a0, t2
    ret
last_case:
    csrw mie, zero
    la t0, unexpected
    csrw mtvec, t0
`;

const single = (ready: number): boolean => (ready & (ready - 1)) === 0;

export function interruptTests(): number {
  let cases = 0;
  for (let bits = 0; bits < 512; bits++) {
    const ready = bits & (bits >> 3) & 7;
    if (single(ready & (bits >> 6)) && single(ready & ~(bits >> 6))) cases++;
  }
  return cases * 4 * 3;
}
