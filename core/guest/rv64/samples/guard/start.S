# A kernel in supervisor mode: a stack for each hart and another one for its traps, so that a trap in the driver writes
# nothing of the driver's.
#define GUARD 0x0a004749

    .section .text.start
    .globl _start
_start:
    la t1, trap_stacks
    slli t0, a0, 12
    add t1, t1, t0
    li t2, 4096
    add t1, t1, t2
    csrw sscratch, t1
    la sp, stack_end
    slli t0, a0, 13
    add sp, sp, t0
    la t0, trap_entry
    csrw stvec, t0
    call main
1:  wfi
    j 1b

# In a trap sscratch is zero: a trap in a trap goes on with the stack that it finds.
    .balign 4
trap_entry:
    csrrw sp, sscratch, sp
    bnez sp, 1f
    csrrw sp, sscratch, sp
1:  addi sp, sp, -160
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
    csrrw t0, sscratch, zero
    sd t0, 128(sp)
    csrr t0, sepc
    sd t0, 136(sp)
    csrr t0, sstatus
    sd t0, 144(sp)
    csrr a0, scause
    addi a1, sp, 136
    call trap
    csrci sstatus, 2
    ld t0, 136(sp)
    csrw sepc, t0
    ld t0, 144(sp)
    csrw sstatus, t0
    ld ra, 0(sp)
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
    ld t0, 128(sp)
    bnez t0, 2f
    ld t0, 8(sp)
    addi sp, sp, 160
    sret
2:  addi t0, sp, 160
    csrw sscratch, t0
    ld t0, 8(sp)
    ld sp, 128(sp)
    sret

# long enter_user(code, place): executes code in user mode until it calls back.
    .globl enter_user, leave_user
enter_user:
    addi sp, sp, -112
    sd ra, 0(sp)
    sd s0, 8(sp)
    sd s1, 16(sp)
    sd s2, 24(sp)
    sd s3, 32(sp)
    sd s4, 40(sp)
    sd s5, 48(sp)
    sd s6, 56(sp)
    sd s7, 64(sp)
    sd s8, 72(sp)
    sd s9, 80(sp)
    sd s10, 88(sp)
    sd s11, 96(sp)
    csrw sepc, a0
    li t0, 0x100
    csrc sstatus, t0
    mv a0, a1
    sret
leave_user:
    ld ra, 0(sp)
    ld s0, 8(sp)
    ld s1, 16(sp)
    ld s2, 24(sp)
    ld s3, 32(sp)
    ld s4, 40(sp)
    ld s5, 48(sp)
    ld s6, 56(sp)
    ld s7, 64(sp)
    ld s8, 72(sp)
    ld s9, 80(sp)
    ld s10, 88(sp)
    ld s11, 96(sp)
    addi sp, sp, 112
    ret

    .section .user.text, "ax"
    .globl user_attack
user_attack:
    li t0, 0x77
    sb t0, 0(a0)
    ecall
1:  j 1b

# The driver. long driver_call(operation, a, b): its only way in is the call at driver_entry.
    .section .driver.text, "ax"
    .globl driver_call, driver_entry, driver_poke
driver_call:
    mv a4, a2
    mv a3, a1
    mv a2, a0
    li a7, GUARD
    li a6, 1
driver_entry:
    ecall
    bnez a0, 1f
    mv t0, sp
    la sp, driver_stack_end
    addi sp, sp, -16
    sd t0, 0(sp)
    sd ra, 8(sp)
    mv a0, a2
    mv a1, a3
    mv a2, a4
    call driver_main
    mv a2, a0
    ld ra, 8(sp)
    ld sp, 0(sp)
    li a7, GUARD
    li a6, 2
    ecall
    mv a0, a2
1:  ret

# Behind the check: who jumps here is not in integrity mode.
driver_poke:
    sd a1, 0(a0)
    ret

    .section .driver.data, "aw"
    .globl driver_count
driver_count: .dword 0
    .space 2040
driver_stack: .space 2048
driver_stack_end:

    .section .service.text, "ax"
    .globl service
service:
    li a0, 1
    ret

    .section .service.table, "aw"
    .globl table
table: .dword service

    .section .tohost, "aw"
    .balign 8
    .globl tohost
tohost: .dword 0

    .bss
    .balign 4096
trap_stacks: .space 8192
