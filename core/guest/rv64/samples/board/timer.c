// Machine timer: ten ticks through mtimecmp, waited for with wfi. The clock is seen through CLINT and through `time`.
#include "board.h"

static volatile u64 ticks;

static void set_next(void) { write64(CLINT + 0x4000, read64(CLINT + 0xbff8) + 1000); }

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 7));
  ticks++;
  set_next();
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  csr_set(mcounteren, 7);
  u64 start = read64(CLINT + 0xbff8);
  set_next();
  csr_set(mie, 1 << 7);
  csr_set(mstatus, 1 << 3);
  wait_until(ticks >= 10);
  csr_clear(mstatus, 1 << 3);
  u64 mtime = read64(CLINT + 0xbff8);
  u64 time = csr_read(time);
  expect(time == mtime || time == mtime + 1);
  expect(mtime - start >= 10000 && mtime - start < 10100);
  report("ticks", ticks);
  report("clock", mtime - start);

  // A busy wait is interrupted as well, and the pending bit shows before that.
  ticks = 0;
  write64(CLINT + 0x4000, read64(CLINT + 0xbff8) + 50);
  while ((csr_read(mip) & 1 << 7) == 0) {}
  csr_set(mstatus, 1 << 3);
  while (ticks < 1) {}
  // Halves of the registers can be written apart.
  csr_clear(mie, 1 << 7);
  write32(CLINT + 0x4004, 0xffffffff);
  write32(CLINT + 0x4000, 0);
  expect((csr_read(mip) & 1 << 7) == 0);
  expect(read64(CLINT + 0x4000) == 0xffffffff00000000ul);
  write64(CLINT + 0xbff8, 5000000);
  expect(read64(CLINT + 0xbff8) - 5000000 < 10);
  expect(csr_read(time) - 5000000 < 10);
  print("done\n");
  finish(0);
  return 0;
}
