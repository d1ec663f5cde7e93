// Works for a while on a disk and on a timer: each round computes, writes what came of it to a sector of virtio-blk, flushes
// now and then, sleeps until the next tick, and reads an older sector back to check it.
#include "../board/virtio.h"

#define ROUNDS 20
#define SECTORS 64

static volatile struct queue queue;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header;
static volatile u64 data[64];
static volatile u8 status;
static volatile u64 ticks;
static u64 written[SECTORS];
static u64 table[8192];
static u64 state = 0x9e3779b97f4a7c15ul;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  if (cause == (INTERRUPT | 7)) {
    ticks++;
    write64(CLINT + 0x4000, read64(CLINT + 0x4000) + 10000);
    return;
  }
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  write32(REG(0, 0x64), read32(REG(0, 0x60)));
  write32(PLIC + 0x200004, source);
}

static u64 next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void request(u32 type, u64 sector) {
  header.type = type;
  header.sector = sector;
  status = 0xff;
  u16 before = queue.used.index;
  describe(&queue, 0, &header, 16, FLAG_NEXT, 1);
  describe(&queue, 1, (volatile u8 *)data, 512, FLAG_NEXT | (type == 0 ? FLAG_WRITE : 0), 2);
  describe(&queue, 2, &status, 1, FLAG_WRITE, 0);
  if (type == 4) queue.table[0].next = 2;
  offer(0, 0, &queue, 0);
  for (;;) {
    csr_clear(mstatus, 1 << 3);
    if (queue.used.index != before) break;
    asm volatile("wfi");
    csr_set(mstatus, 1 << 3);
  }
  csr_set(mstatus, 1 << 3);
  expect(status == 0);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  device_begin(0, 2, 1 << 9);
  queue_setup(0, 0, &queue);
  device_ready(0);
  write32(PLIC + 4, 1);
  write32(PLIC + 0x2000, 2);
  write64(CLINT + 0x4000, read64(CLINT + 0xbff8) + 10000);
  csr_set(mie, 1 << 11 | 1 << 7);
  csr_set(mstatus, 1 << 3);
  print("working\n");
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < 3000; i++) table[next() % 8192] += state;
    u64 sector = next() % SECTORS;
    written[sector] = state;
    for (int i = 0; i < 64; i++) data[i] = state + i;
    request(1, sector);
    if (round % 5 == 4) request(4, 0);
    u64 until = ticks + 1;
    while (ticks < until) asm volatile("wfi");
    u64 old = next() % SECTORS;
    request(0, old);
    for (int i = 0; i < 64; i++) expect(data[i] == (written[old] ? written[old] + i : 0));
    if (round % 5 == 4) report("rounds", round + 1);
  }
  u64 sum = 0;
  for (int i = 0; i < 8192; i++) sum = sum * 31 + table[i];
  report("sum", sum);
  finish(0);
  return 0;
}
