// UART input through the PLIC: every line typed is printed back, until an empty one. Nothing is polled.
#include "board.h"

static volatile u64 lines;
static char line[80];
static volatile int length, over;

static void take(u8 byte) {
  if (byte != '\n') {
    if (length < 79) line[length++] = byte;
    return;
  }
  line[length] = 0;
  print("> ");
  print(line);
  print("\n");
  if (length == 0) over = 1;
  length = 0;
  lines++;
}

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  expect(source == UART_SOURCE);
  expect((read8(UART + 2) & 0xf) == 4);
  while (read8(UART + 5) & 1) take(read8(UART));
  write32(PLIC + 0x200004, source);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  write32(PLIC + 4 * UART_SOURCE, 3);
  write32(PLIC + 0x2000, 1 << UART_SOURCE);
  write32(PLIC + 0x200000, 3);
  write8(UART + 1, 1);
  // At its threshold a source does not interrupt; above it does.
  expect(read32(PLIC + 0x2000) == 1 << UART_SOURCE);
  expect((csr_read(mip) & 1 << 11) == 0);
  write32(PLIC + 0x200000, 2);
  print("type\n");
  csr_set(mie, 1 << 11);
  csr_set(mstatus, 1 << 3);
  wait_until(over);
  report("lines", lines);
  finish(0);
  return 0;
}
