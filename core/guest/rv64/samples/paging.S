# Sv39 and modes: enters supervisor mode under a page table that maps RAM one to one as a huge page and one small page
# elsewhere; reads through it, clears its dirty and accessed bits without sfence.vma, touches it again and expects them set.
    .section .text.start
    .globl _start
_start:
    la t0, machine_trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0

    # root[2]: RAM, 1 GiB. root[0] -> middle[0] -> leaf[1]: page 0x1000 -> data.
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
    la t1, data
    srli t1, t1, 2
    ori s0, t1, 0x07
    sd s0, 8(a2)

    srli t0, a0, 12
    li t1, 8
    slli t1, t1, 60
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x0800
    csrs mstatus, t0
    la t0, supervisor
    csrw mepc, t0
    mret

supervisor:
    li a3, 0x1000
    li a4, 7
    ld t0, 0(a3)
    # Again: by now the machine may remember the translation.
    ld t0, 0(a3)
    li t1, 0x1234
    bne t0, t1, fail
    sd t0, 8(a3)
    ld t2, 8(a2)
    andi t2, t2, 0xc0
    li t3, 0xc0
    bne t2, t3, fail
    # Clear both bits; a stale translation would leave them clear.
    sd s0, 8(a2)
    sd t0, 16(a3)
    ld t2, 8(a2)
    andi t2, t2, 0xc0
    bne t2, t3, fail
    # Unmap: the next load faults with cause 13.
    sd zero, 8(a2)
    li a4, 13
    ld t0, 0(a3)
fail:
    li a4, 1
    ecall

    .balign 4
machine_trap:
    csrr t0, mcause
    li a0, 3
    li t1, 13
    bne t0, t1, report
    bne a4, t1, report
    li a0, 1
report:
    la t0, tohost
    sd a0, 0(t0)
1:  j 1b

    .section .tohost, "aw"
    .balign 8
    .globl tohost, fromhost
    .type tohost, @object
    .size tohost, 8
    .type fromhost, @object
    .size fromhost, 8
tohost:   .dword 0
fromhost: .dword 0

    .data
    .balign 4096
root:   .zero 4096
middle: .zero 4096
leaf:   .zero 4096
data:   .dword 0x1234
