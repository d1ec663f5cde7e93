// Every hart adds to a counter under an LR/SC lock and with an AMO; hart 0 wakes the others by software interrupts and waits
// for theirs. Machine mode.
#include "board.h"

#define ROUNDS 200

static volatile u32 lock, guarded, atomic, awake;
static volatile u32 interrupts[8];
static volatile int waiting = 1;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 3));
  u64 hart = csr_read(mhartid);
  write32(CLINT + 4 * hart, 0);
  interrupts[hart]++;
}

static void acquire(void) {
  u32 got;
  do asm volatile(
      "1: lr.w.aq %0, (%1)\n"
      "bnez %0, 1b\n"
      "li %0, 1\n"
      "sc.w.aq %0, %0, (%1)\n"
      : "=&r"(got)
      : "r"(&lock)
      : "memory");
  while (got != 0);
}

static void release(void) { asm volatile("amoswap.w.rl zero, zero, (%0)" ::"r"(&lock) : "memory"); }

static void work(void) {
  for (int i = 0; i < ROUNDS; i++) {
    acquire();
    // Long enough that turns end inside.
    u32 seen = guarded;
    for (volatile int j = 0; j < 20; j++) {}
    guarded = seen + 1;
    release();
    __atomic_fetch_add(&atomic, 1, __ATOMIC_SEQ_CST);
  }
}

int main(u64 hart, u64 harts) {
  (void)harts;
  csr_set(mie, 1 << 3);
  __atomic_fetch_add(&awake, 1, __ATOMIC_SEQ_CST);
  csr_set(mstatus, 1 << 3);
  if (hart != 0) {
    wait_until(interrupts[hart] != 0);
    work();
    write32(CLINT, 1);
    return 0;
  }
  // All harts arrive within some turns; how many there are shows in the end.
  for (volatile int i = 0; i < 20000; i++) {}
  u32 others = awake - 1;
  for (u32 other = 1; other <= others; other++) write32(CLINT + 4 * other, 1);
  work();
  wait_until(atomic >= ROUNDS * (others + 1));
  expect(guarded == ROUNDS * (others + 1));
  for (u32 other = 1; other <= others; other++) expect(interrupts[other] == 1);
  report("harts", others + 1);
  report("counted", guarded);
  finish(0);
  return 0;
}
