// Waits until its disk grows, uses the last sector of what it then has, resets itself, and says what it finds.
#include "../board/virtio.h"

#define RESET 0x7777
#define DISK 0
#define MARK 0x6e776f7267ul

static volatile struct queue disk;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header;
static volatile u64 data[64];
static volatile u8 status;
static int changed;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  report("trap", cause);
  finish(1);
}

/* Takes what asked for attention; interrupts are only waited for, never taken as traps. */
static void attend(void) {
  for (u32 source; (source = read32(PLIC + 0x200004)) != 0;) {
    u32 why = read32(REG(source - 1, 0x60));
    if (why & 2) changed = 1;
    write32(REG(source - 1, 0x64), why);
    write32(PLIC + 0x200004, source);
  }
}

#define await(condition)     \
  while (!(condition)) {     \
    asm volatile("wfi");     \
    attend();                \
  }

static void request(u32 type, u64 sector) {
  header.type = type;
  header.sector = sector;
  status = 0xff;
  u16 before = disk.used.index;
  describe(&disk, 0, &header, 16, FLAG_NEXT, type == 4 ? 2 : 1);
  describe(&disk, 1, (volatile u8 *)data, 512, FLAG_NEXT | (type == 0 ? FLAG_WRITE : 0), 2);
  describe(&disk, 2, &status, 1, FLAG_WRITE, 0);
  offer(DISK, 0, &disk, 0);
  await(disk.used.index != before);
  expect(status == 0);
}

/* In two halves, read again when the configuration changed between them. */
static u64 capacity(void) {
  for (;;) {
    u32 generation = read32(REG(DISK, 0xfc));
    u64 low = read32(REG(DISK, 0x100)), high = read32(REG(DISK, 0x104));
    if (read32(REG(DISK, 0xfc)) == generation) return high << 32 | low;
  }
}

static void begin(void) {
  device_begin(DISK, 2, 1 << 9);
  queue_setup(DISK, 0, &disk);
  device_ready(DISK);
  write32(PLIC + 4, 1);
  write32(PLIC + 0x2000, 2);
  csr_set(mie, 1 << 11);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  begin();
  report("capacity", capacity());
  request(0, 0);
  if (data[0] == MARK) finish(0);
  u64 before = capacity();
  await(changed);
  u64 after = capacity();
  report("new size", after);
  expect(after > before);
  data[0] = MARK;
  request(1, after - 1);
  data[0] = 0;
  request(0, after - 1);
  expect(data[0] == MARK);
  request(1, 0);
  request(4, 0);
  write32(0x100000, RESET);
  return 0;
}
