// SBI from supervisor mode: BASE, TIME, IPI, RFENCE, HSM, DBCN and the errors each must give; ends with SRST.
#include "sbi.h"

static volatile u64 ticks, messages[8];
static volatile u64 visits[8], arguments[8];

void trap(u64 cause, u64 *resume) {
  (void)resume;
  if (cause == (INTERRUPT | 5)) {
    ticks++;
    call(TIME, 0, ALL, 0, 0);
  } else {
    expect(cause == (INTERRUPT | 1));
    u64 hart;
    asm volatile("mv %0, tp" : "=r"(hart));
    csr_clear(sip, 2);
    messages[hart]++;
  }
}

static void debug_print(const char *text) {
  u64 length = 0;
  while (text[length]) length++;
  while (length > 0) {
    struct answer wrote = call(DBCN, 0, length, (u64)text, 0);
    expect(wrote.error == 0 && wrote.value > 0);
    text += wrote.value;
    length -= wrote.value;
  }
}

void _start(void);

/* Other harts: wait for one message, suspended with their registers, and stop. */
static void visit(u64 hart, u64 argument) {
  visits[hart]++;
  arguments[hart] = argument;
  csr_set(sie, 2);
  csr_set(sstatus, 2);
  while (messages[hart] < visits[hart]) expect(call(HSM, 3, 0, 0, 0).error == 0);
  call(HSM, 1, 0, 0, 0);
  finish(1);
}

static void harts(void) {
  u64 count = 1;
  while (call(HSM, 2, count, 0, 0).error == 0) {
    expect(call(HSM, 2, count, 0, 0).value == 1);
    count++;
  }
  expect(call(HSM, 2, 0, 0, 0).value == 0);
  expect(call(HSM, 0, 0, (u64)_start, 0).error == -6);
  expect(call(HSM, 0, count, (u64)_start, 0).error == -3);
  if (count > 1) expect(call(HSM, 0, 1, 0x1000, 0).error == -5);
  for (int round = 1; round <= 2; round++) {
    for (u64 hart = 1; hart < count; hart++)
      expect(call(HSM, 0, hart, (u64)_start, 100 * round + hart).error == 0);
    for (u64 hart = 1; hart < count; hart++) {
      while (visits[hart] < (u64)round) {}
      while (call(HSM, 2, hart, 0, 0).value != 4) {}
      expect(call(HSM, 0, hart, (u64)_start, 0).error == -6);
      expect(arguments[hart] == 100 * round + hart);
      expect(call(IPI, 0, 1, hart, 0).error == 0);
      while (call(HSM, 2, hart, 0, 0).value != 1) {}
    }
  }
  expect(call(IPI, 0, 1, count, 0).error == -3);
  expect(call(IPI, 1, 1, 0, 0).error == -2);
  expect(call(RFENCE, 0, 1, 0, 0).error == 0);
  expect(call(RFENCE, 1, 0, ALL, 0).error == 0);
  expect(call(RFENCE, 1, 2, count, 0).error == -3);
  expect(call(RFENCE, 3, 1, 0, 0).error == -2);
  report("harts", count);
}

#define ANEW 77

static int suspended;
static u64 waiting_since;

static void rest(void);

int main(u64 hart, u64 argument) {
  asm volatile("mv tp, %0" ::"r"(hart));
  if (hart != 0) visit(hart, argument);
  if (suspended) {
    // Without its registers it begins anew when its interrupt is there: that is still pending.
    expect(argument == ANEW && ticks == 3 && csr_read(time) - waiting_since >= 5000);
    expect((csr_read(sstatus) & 2) == 0 && csr_read(satp) == 0);
    csr_set(sie, 0x20);
    csr_set(sstatus, 2);
    expect(ticks == 4);
    rest();
  }
  expect(call(BASE, 0, 0, 0, 0).value == 0x2000000);
  expect(call(BASE, 3, HSM, 0, 0).value == 1);
  expect(call(BASE, 3, 0x504d55, 0, 0).value == 0);
  expect(call(BASE, 9, 0, 0, 0).error == -2);
  expect(call(0x504d55, 0, 0, 0, 0).error == -2);
  expect(call(LIFECYCLE, 0, 1, 0, 0).error == 0);
  expect(call(LIFECYCLE, 0, 99, 0, 0).error == -3);

  // A deadline in the past fires at once; one in the future when it is reached.
  csr_set(sie, 0x20);
  csr_set(sstatus, 2);
  u64 start = csr_read(time);
  call(TIME, 0, start, 0, 0);
  expect(ticks == 1);
  call(TIME, 0, start + 5000, 0, 0);
  expect(ticks == 1 && (csr_read(sip) & 0x20) == 0);
  while (ticks < 2) asm volatile("wfi");
  u64 waited = csr_read(time) - start;
  expect(waited >= 5000 && waited < 5010);
  // A retentive suspend ends at the next interrupt and returns.
  call(TIME, 0, start + 9000, 0, 0);
  expect(call(HSM, 3, 0, 0, 0).error == 0);
  expect(ticks == 3 && csr_read(time) - start >= 9000);
  expect(call(HSM, 3, 0x80000000, 0x1000, 0).error == -5);
  expect(call(HSM, 3, 0x80000000, (u64)_start + 1, 0).error == -5);
  expect(call(HSM, 3, 5, 0, 0).error == -3);
  suspended = 1;
  waiting_since = csr_read(time);
  call(TIME, 0, waiting_since + 5000, 0, 0);
  csr_clear(sstatus, 2);
  call(HSM, 3, 0x80000000, (u64)_start, ANEW);
  finish(3);
  return 0;
}

static void rest(void) {
  // To itself.
  csr_set(sie, 2);
  call(IPI, 0, 1, 0, 0);
  expect(messages[0] == 1);
  harts();
  debug_print("debug console\n");
  expect(call(DBCN, 0, 10, 0x1000, 0).error == -3);
  expect(call(DBCN, 0, ALL, (u64)&ticks, 0).error == -3);
  expect(call(DBCN, 0, 10, (u64)&ticks, 1).error == -3);
  expect(call(DBCN, 2, '!', 0, 0).error == 0);
  expect(call(DBCN, 2, '\n', 0, 0).error == 0);
  expect(call(SRST, 0, 7, 0, 0).error == -3);
  expect(call(SRST, 0, 0, 9, 0).error == -3);
  call(SRST, 0, 0, 0, 0);
  finish(2);
}
