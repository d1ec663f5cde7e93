// A driver that breaks every rule of the virtqueue: each time the device asks for a reset and nothing else happens; after
// the reset it works again.
#include "virtio.h"

static volatile struct queue queue;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header = {4, 0, 0};
static volatile u8 status;
static volatile struct descriptor table[ENTRIES + 2] __attribute__((aligned(16)));
static u32 features = 1 << 9;

#define FLAG_INDIRECT 4
#define INDIRECT_DESCRIPTORS (1 << 28)

void trap(u64 cause, u64 *resume) {
  (void)resume;
  finish(cause);
}

static void begin(void) {
  device_begin(0, 2, features);
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

static void entry(int i, volatile void *at, u32 length, u16 flags, u16 next) {
  table[i].address = (u64)at;
  table[i].length = length;
  table[i].flags = flags;
  table[i].next = next;
}

/* A sound flush by an indirect table, for others to spoil. */
static void describe_indirect(void) {
  entry(0, &header, 16, FLAG_NEXT, 1);
  entry(1, &status, 1, FLAG_WRITE, 0);
  describe(&queue, 0, table, 2 * 16, FLAG_INDIRECT, 0);
}

static void indirect(void) {
  static const struct {
    const char *what;
    u64 address;
    u32 length;
    u16 flags;
  } tables[] = {{"table outside RAM", 0x1000, 32, FLAG_INDIRECT},
                {"table without entries", 0, 0, FLAG_INDIRECT},
                {"table of half an entry", 0, 24, FLAG_INDIRECT},
                {"table beyond RAM", 0, 0xfffffff0, FLAG_INDIRECT},
                {"table that goes on", 0, 32, FLAG_INDIRECT | FLAG_NEXT}};
  for (u32 i = 0; i < sizeof tables / sizeof *tables; i++) {
    describe_indirect();
    u64 at = tables[i].address ? tables[i].address : (u64)table;
    describe(&queue, 0, (volatile void *)at, tables[i].length, tables[i].flags, 1);
    offer(0, 0, &queue, 0);
    broken(tables[i].what);
  }
  describe_indirect();
  table[0].next = 2;
  offer(0, 0, &queue, 0);
  broken("next beyond the table");
  describe_indirect();
  entry(1, table, 32, FLAG_INDIRECT, 0);
  offer(0, 0, &queue, 0);
  broken("table in a table");
  describe_indirect();
  entry(1, &status, 1, FLAG_WRITE | FLAG_NEXT, 0);
  offer(0, 0, &queue, 0);
  broken("loop in a table");
  for (int i = 0; i < ENTRIES + 2; i++) entry(i, &header, 2, FLAG_NEXT, i + 1);
  entry(ENTRIES + 1, &status, 1, FLAG_WRITE, 0);
  describe(&queue, 0, table, (ENTRIES + 2) * 16, FLAG_INDIRECT, 0);
  offer(0, 0, &queue, 0);
  broken("longer than the queue");
  // All of the request in the table, and only the end of it.
  describe_indirect();
  offer(0, 0, &queue, 0);
  while (queue.used.index == 0) {}
  expect(status == 0);
  status = 0xff;
  entry(0, &status, 1, FLAG_WRITE, 0);
  describe(&queue, 0, &header, 16, FLAG_NEXT, 1);
  describe(&queue, 1, table, 16, FLAG_INDIRECT, 0);
  offer(0, 0, &queue, 0);
  while (queue.used.index == 1) {}
  expect(status == 0);
  print("indirect works\n");
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
  queue.table[0].flags = FLAG_INDIRECT;
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

  features |= INDIRECT_DESCRIPTORS;
  begin();
  indirect();

  // Features that were not offered, or not chosen at all, are refused.
  write32(REG(0, 0x70), 0);
  write32(REG(0, 0x70), 3);
  write32(REG(0, 0x24), 0);
  write32(REG(0, 0x20), 1 << 29);
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
