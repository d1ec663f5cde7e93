# Starts a C program: stack, floating point on, main, and its result to tohost (0: pass).
    .section .text.start
    .globl _start
_start:
    la sp, stack_end
    li t0, 0x6000
    csrs mstatus, t0
    la t0, failed
    csrw mtvec, t0
    call main
    slli a0, a0, 1
    ori a0, a0, 1
    la t0, tohost
    sd a0, 0(t0)
1:  j 1b

    .balign 4
failed:
    csrr a0, mcause
    slli a0, a0, 1
    ori a0, a0, 1
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
