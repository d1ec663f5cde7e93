# Starts a C program on every hart that gets here: a stack each, traps to C, main(hart). Without SUPERVISOR in machine mode,
# all harts at once; with it in supervisor mode, as SBI hands harts over (hart id in a0, an argument in a1).
#ifdef SUPERVISOR
#define TVEC stvec
#define CAUSE scause
#define EPC sepc
#define RETURN sret
#else
#define TVEC mtvec
#define CAUSE mcause
#define EPC mepc
#define RETURN mret
#endif
    .section .text.start
    .globl _start
_start:
#ifndef SUPERVISOR
    csrr a0, mhartid
#endif
    la sp, stack_end
    slli t0, a0, 13
    add sp, sp, t0
    la t0, trap_entry
    csrw TVEC, t0
    call main
    # Harts other than the first have nothing to return to.
1:  wfi
    j 1b

    .balign 4
trap_entry:
    addi sp, sp, -144
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    sd t2, 24(sp)
    sd t3, 32(sp)
    sd t4, 40(sp)
    sd t5, 48(sp)
    sd t6, 56(sp)
    sd a0, 64(sp)
    sd a1, 72(sp)
    sd a2, 80(sp)
    sd a3, 88(sp)
    sd a4, 96(sp)
    sd a5, 104(sp)
    sd a6, 112(sp)
    sd a7, 120(sp)
    csrr t0, EPC
    sd t0, 128(sp)
    csrr a0, CAUSE
    addi a1, sp, 128
    call trap
    ld t0, 128(sp)
    csrw EPC, t0
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    ld t2, 24(sp)
    ld t3, 32(sp)
    ld t4, 40(sp)
    ld t5, 48(sp)
    ld t6, 56(sp)
    ld a0, 64(sp)
    ld a1, 72(sp)
    ld a2, 80(sp)
    ld a3, 88(sp)
    ld a4, 96(sp)
    ld a5, 104(sp)
    ld a6, 112(sp)
    ld a7, 120(sp)
    addi sp, sp, 144
    RETURN

    .section .tohost, "aw"
    .balign 8
    .globl tohost, fromhost
    .type tohost, @object
    .size tohost, 8
    .type fromhost, @object
    .size fromhost, 8
tohost:   .dword 0
fromhost: .dword 0
