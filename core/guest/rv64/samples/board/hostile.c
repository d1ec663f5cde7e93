// A driver that breaks every rule of the virtqueue: each time the device asks for a reset and nothing else happens; after
// the reset it works again.
#include "virtio.h"

static volatile struct queue queue;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header = {4, 0, 0};
static volatile u8 status;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  finish(cause);
}

static void begin(void) {
  device_begin(0, 2, 1 << 9);
  queue_setup(0, 0, &queue);
  describe(&queue, 0, &header, 16, FLAG_NEXT, 1);
  describe(&queue, 1, &status, 1, FLAG_WRITE, 0);
  device_ready(0);
}

/* The device must have given up, told so, and left the used ring alone. */
static void broken(const char *what) {
  expect(read32(REG(0, 0x70)) == (15 | 64));
  expect((read32(REG(0, 0x60)) & 2) != 0);
  expect(queue.used.index == 0);
  // It stays so until it is reset.
  offer(0, 0, &queue, 0);
  expect(queue.used.index == 0);
  print(what);
  print("\n");
  begin();
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  begin();
  offer(0, 0, &queue, 200);
  broken("head out of range");
  queue.table[0].next = 9;
  offer(0, 0, &queue, 0);
  broken("next out of range");
  describe(&queue, 1, &status, 1, FLAG_WRITE | FLAG_NEXT, 1);
  offer(0, 0, &queue, 0);
  broken("loop");
  queue.table[0].address = 0x1000;
  offer(0, 0, &queue, 0);
  broken("below RAM");
  queue.table[0].address = 0xfffffffffffffff8;
  offer(0, 0, &queue, 0);
  broken("wraps around");
  queue.table[1].length = 0xffffffff;
  offer(0, 0, &queue, 0);
  broken("longer than RAM");
  queue.table[0].flags = FLAG_NEXT | FLAG_WRITE;
  queue.table[1].flags = 0;
  offer(0, 0, &queue, 0);
  broken("readable after writable");
  queue.table[0].flags = 4;
  offer(0, 0, &queue, 0);
  broken("indirect without leave");
  queue.table[1].flags = 0;
  offer(0, 0, &queue, 0);
  broken("nowhere for the status");
  queue.table[0].length = 8;
  offer(0, 0, &queue, 0);
  broken("header too short");
  queue.available.index = 100;
  offer(0, 0, &queue, 0);
  broken("more offered than there is room");

  // Queues that cannot be right.
  static const struct {
    u32 size, low, high;
  } places[] = {{3, 0, 0}, {0, 0, 0}, {0x10000, 0, 0}, {8, 0x1000, 0}, {8, 8, 0}, {8, 0, 1}};
  for (u32 i = 0; i < sizeof places / sizeof *places; i++) {
    write32(REG(0, 0x44), 0);
    write32(REG(0, 0x38), places[i].size);
    u64 at = places[i].low == 0x1000 ? 0x1000 : (u64)&queue.table + places[i].low;
    write32(REG(0, 0x80), (u32)at);
    write32(REG(0, 0x84), places[i].high);
    write32(REG(0, 0x90), (u32)(u64)&queue.available);
    write32(REG(0, 0xa0), (u32)(u64)&queue.used);
    write32(REG(0, 0x44), 1);
    offer(0, 0, &queue, 0);
    broken("queue misplaced");
  }

  // Features that were not offered, or not chosen at all, are refused.
  write32(REG(0, 0x70), 0);
  write32(REG(0, 0x70), 3);
  write32(REG(0, 0x24), 0);
  write32(REG(0, 0x20), 1 << 28);
  write32(REG(0, 0x24), 1);
  write32(REG(0, 0x20), 1);
  write32(REG(0, 0x70), 11);
  expect(read32(REG(0, 0x70)) == 3);

  // Notifications of queues and registers that do not exist do nothing.
  begin();
  write32(REG(0, 0x50), 7);
  write32(REG(0, 0x30), 77);
  expect(read32(REG(0, 0x34)) == 0);
  write32(REG(0, 0x38), 4);
  write32(REG(0, 0x44), 1);
  expect(read32(REG(0, 0x44)) == 0);
  offer(0, 0, &queue, 0);
  while (queue.used.index == 0) {}
  expect(status == 0);
  print("works\n");
  finish(0);
  return 0;
}
