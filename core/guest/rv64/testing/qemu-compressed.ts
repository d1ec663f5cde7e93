// Every 16-bit encoding that ends, the illegal ones too, executed once: registers, floating-point registers, the memory it may have
// stored to, cause and place of the trap behind it, mixed into one number for each 64 of them. All registers point into
// `data`; it and the page around the instruction are full of c.ebreak, so that whatever jumps ends in a trap.

const each = (from: number, to: number, line: (i: number) => string): string =>
  Array.from({ length: to - from }, (_, i) => `    ${line(from + i)}`).join("\n");

export const compressedProgram = (): string => `
    la t0, slot_page
    li t1, 0x90029002
    li t2, 2048
1:  sw t1, 0(t0)
    addi t0, t0, 4
    addi t2, t2, -1
    bnez t2, 1b
    la s0, slot_page
    li t0, 0x1000
    add s0, s0, t0
    la s1, data
    la s2, context
    li s3, 0
    li s10, 0
    call refill
next_encoding:
    andi t0, s3, 3
    li t1, 3
    beq t0, t1, skipped
    # Jumps to themselves never end: c.j and c.bnez over no distance.
    li t1, 0xa001
    beq s3, t1, skipped
    li t0, 0xfc7f
    and t0, t0, s3
    li t1, 0xe001
    beq t0, t1, skipped
    sh s3, 0(s0)
    fence.i
    sd s0, 0(s2)
    sd s1, 8(s2)
    sd s3, 16(s2)
    sd s10, 24(s2)
    sd s11, 32(s2)
    csrw mscratch, s2
    la t0, trapped
    csrw mtvec, t0
    csrw mepc, s0
    li t0, 0x1800
    csrs mstatus, t0
    mv x31, s1
${each(0, 32, (i) => `fmv.d.x f${i}, x31`)}
${each(1, 31, (i) => `addi x${i}, x31, ${i * 16}`)}
    mret
    .balign 4
trapped:
    csrrw sp, mscratch, sp
${[1, ...Array.from({ length: 29 }, (_, i) => i + 3)]
  .map((i) => `    sd x${i}, ${64 + i * 8}(sp)`)
  .join("\n")}
    csrr t0, mscratch
    sd t0, 80(sp)
${each(0, 32, (i) => `fsd f${i}, ${320 + i * 8}(sp)`)}
    mv s2, sp
    ld s0, 0(s2)
    ld s1, 8(s2)
    ld s3, 16(s2)
    ld s10, 24(s2)
    ld s11, 32(s2)
    csrr t0, mcause
    csrr t1, mepc
    xor s10, s10, t0
    slli t1, t1, 8
    xor s10, s10, t1
    addi a0, s2, 72
    li a1, 63
    call mix
    # Memory is looked at whole, mixed in and filled anew only where something was stored.
    mv a0, s1
    li a1, 136
    ld t1, 1088(s1)
4:  ld t0, 0(a0)
    bne t0, t1, 5f
    addi a0, a0, 8
    addi a1, a1, -1
    bnez a1, 4b
    j skipped
5:  mv a0, s1
    li a1, 136
    call mix
    call refill
skipped:
    andi t0, s3, 63
    li t1, 63
    bne t0, t1, 2f
    sd s10, 0(s11)
    addi s11, s11, 8
2:  addi s3, s3, 1
    li t0, 0x10000
    bltu s3, t0, next_encoding
    la t0, unexpected
    csrw mtvec, t0
    j finished
mix:
    li t6, 0x100000001b3
3:  ld t0, 0(a0)
    xor s10, s10, t0
    mul s10, s10, t6
    srli t0, s10, 29
    xor s10, s10, t0
    addi a0, a0, 8
    addi a1, a1, -1
    bnez a1, 3b
    ret
refill:
    li t1, 0x90029002
    mv t0, s1
    li t2, 274
6:  sw t1, 0(t0)
    addi t0, t0, 4
    addi t2, t2, -1
    bnez t2, 6b
    ret
    .section .data
    .balign 4096
slot_page: .zero 8192
data: .zero 4096
context: .zero 1024
    .section .text.start
`;

/** All but nine jumps to themselves. */
export const compressedTests = (): number => 49_152 - 9;
