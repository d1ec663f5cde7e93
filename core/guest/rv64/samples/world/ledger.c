// Uses everything that a machine has: formats its disk and resets itself, then enters amounts that it draws from virtio-rng
// into the disk, has each confirmed over virtio-net, reads it back, and closes when it is told so on the console.
#include "../board/virtio.h"

#define ENTRIES_MADE 3
#define SECTORS 8
#define FRAME 60
#define LAST 0xff
#define FORMATTED 0x0000006c65646765ul
#define RESET 0x7777
#define DISK 0
#define NIC 1
#define RNG 2

static volatile struct queue disk, receiving, sending, entropy;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header;
static volatile u64 data[64], drawn;
static volatile u8 status, in[4][1600], out[12 + FRAME];
static u16 seen;
static int typed;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  report("trap", cause);
  finish(1);
}

/* Takes what asked for attention; interrupts are only waited for, never taken as traps. */
static void attend(void) {
  for (u32 source; (source = read32(PLIC + 0x200004)) != 0;) {
    if (source == UART_SOURCE) {
      while (read8(UART + 5) & 1) typed += read8(UART) == '\n';
    } else {
      write32(REG(source - 1, 0x64), read32(REG(source - 1, 0x60)));
    }
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

static u64 draw(void) {
  u16 before = entropy.used.index;
  describe(&entropy, 0, &drawn, 8, FLAG_WRITE, 0);
  offer(RNG, 0, &entropy, 0);
  await(entropy.used.index != before);
  return drawn;
}

static void send(u8 number, u64 amount) {
  for (int i = 0; i < 6; i++) {
    out[12 + i] = 0xff;
    out[18 + i] = read8(REG(NIC, 0x100) + i);
  }
  out[24] = 0x88;
  out[25] = 0xb5;
  out[26] = number;
  for (int i = 0; i < 8; i++) out[28 + i] = amount >> 8 * i;
  u16 before = sending.used.index;
  describe(&sending, 0, out, 12 + FRAME, 0, 0);
  offer(NIC, 1, &sending, 0);
  await(sending.used.index != before);
}

/* Whether the next frame confirms it; any is given back. */
static int confirms(u8 number, u64 amount) {
  volatile u8 *frame = in[receiving.used.ring[seen++ % ENTRIES].id] + 26;
  u64 answer = 0;
  for (int i = 0; i < 8; i++) answer |= (u64)frame[2 + i] << 8 * i;
  int right = frame[0] == number && answer == ~amount;
  offer(NIC, 0, &receiving, (frame - in[0]) / 1600);
  return right;
}

/* Asked again when there is no answer for two milliseconds. */
static void confirm(u8 number, u64 amount) {
  for (;;) {
    u64 until = read64(CLINT + 0xbff8) + 20000;
    write64(CLINT + 0x4000, until);
    send(number, amount);
    for (;;) {
      await(receiving.used.index != seen || read64(CLINT + 0xbff8) >= until);
      if (receiving.used.index == seen) break;
      if (!confirms(number, amount)) continue;
      write64(CLINT + 0x4000, ~0ul);
      return;
    }
  }
}

static void begin(void) {
  device_begin(DISK, 2, 1 << 9);
  queue_setup(DISK, 0, &disk);
  device_ready(DISK);
  device_begin(NIC, 1, 1 << 5);
  queue_setup(NIC, 0, &receiving);
  queue_setup(NIC, 1, &sending);
  device_ready(NIC);
  device_begin(RNG, 4, 0);
  queue_setup(RNG, 0, &entropy);
  device_ready(RNG);
  for (int i = 0; i < 4; i++) {
    describe(&receiving, i, in[i], 1600, FLAG_WRITE, 0);
    offer(NIC, 0, &receiving, i);
  }
  write64(CLINT + 0x4000, ~0ul);
  for (int source = 1; source <= 3; source++) write32(PLIC + 4 * source, 1);
  write32(PLIC + 4 * UART_SOURCE, 1);
  write32(PLIC + 0x2000, 1 << UART_SOURCE | 0xe);
  write8(UART + 1, 1);
  csr_set(mie, 1 << 11 | 1 << 7);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  begin();
  request(0, SECTORS - 1);
  if (data[0] != FORMATTED) {
    data[0] = FORMATTED;
    request(1, SECTORS - 1);
    request(4, 0);
    print("formatted\n");
    write32(0x100000, RESET);
  }
  u64 sum = 0;
  for (int made = 0; made < ENTRIES_MADE; made++) {
    u64 amount = draw();
    sum = sum * 31 + amount;
    for (int i = 0; i < 64; i++) data[i] = amount + i;
    request(1, made % (SECTORS - 1));
    confirm(made, amount);
    for (int i = 0; i < 64; i++) data[i] = 0;
    request(0, made % (SECTORS - 1));
    for (int i = 0; i < 64; i++) expect(data[i] == amount + i);
    report("entry", sum);
  }
  send(LAST, 0);
  print("close?\n");
  await(typed > 0);
  report("closed", sum);
  finish(0);
  return 0;
}
