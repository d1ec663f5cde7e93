// virtio-blk: writes, flushes, reads back, discards, asks for the identity, and is refused beyond the end.
#include "virtio.h"

static volatile struct queue queue;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header;
static volatile u8 data[4096], back[4096], status;
static volatile u64 interrupts;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  expect(source == 1);
  u32 bits = read32(REG(0, 0x60));
  write32(REG(0, 0x64), bits);
  write32(PLIC + 0x200004, source);
  interrupts++;
}

static u32 request(u32 type, u64 sector, volatile u8 *buffer, u32 length, int toMemory) {
  header.type = type;
  header.sector = sector;
  status = 0xff;
  u16 before = queue.used.index;
  describe(&queue, 0, &header, 16, FLAG_NEXT, 1);
  // The data in two pieces of different sizes, where there is enough of it.
  u16 kind = toMemory ? FLAG_WRITE : 0;
  u32 half = length > 100 ? 100 : length;
  if (length > 0) describe(&queue, 1, buffer, half, FLAG_NEXT | kind, length > half ? 2 : 3);
  if (length > half) describe(&queue, 2, buffer + half, length - half, FLAG_NEXT | kind, 3);
  describe(&queue, 3, &status, 1, FLAG_WRITE, 0);
  if (length == 0) queue.table[0].next = 3;
  offer(0, 0, &queue, 0);
  wait_until(queue.used.index != before);
  expect((u16)(before + 1) == queue.used.index);
  return queue.used.ring[before % ENTRIES].length;
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  device_begin(0, 2, 1 << 9 | 1 << 13);
  queue_setup(0, 0, &queue);
  device_ready(0);
  u64 sectors = read32(REG(0, 0x100)) | (u64)read32(REG(0, 0x104)) << 32;
  report("sectors", sectors);
  write32(PLIC + 4, 1);
  write32(PLIC + 0x2000, 2);
  csr_set(mie, 1 << 11);
  csr_set(mstatus, 1 << 3);

  for (int i = 0; i < 4096; i++) data[i] = i * 7 + (i >> 8);
  expect(request(1, 16, data, 4096, 0) == 1 && status == 0);
  expect(request(4, 0, 0, 0, 0) == 1 && status == 0);
  expect(request(0, 16, back, 4096, 1) == 4097 && status == 0);
  for (int i = 0; i < 4096; i++) expect(back[i] == data[i]);
  // One sector in the middle, overwritten and discarded.
  for (int i = 0; i < 512; i++) data[i] = 0xaa;
  request(1, 18, data, 512, 0);
  expect(request(0, 17, back, 1536, 1) == 1537 && back[512] == 0xaa && back[511] != 0xaa);
  volatile u64 range[2] = {19, 2};
  request(11, 0, (volatile u8 *)range, 16, 0);
  expect(status == 0);
  request(0, 18, back, 1536, 1);
  expect(back[0] == 0xaa && back[512] == 0 && back[1535] == 0);
  request(8, 0, back, 20, 1);
  print("identity ");
  print((const char *)back);
  print("\n");
  request(0, sectors - 1, back, 1024, 1);
  expect(status == 1);
  request(1, sectors, data, 512, 0);
  expect(status == 1);
  request(0, 0, back, 100, 1);
  expect(status == 1);
  request(99, 0, back, 512, 1);
  expect(status == 2);
  expect(interrupts == queue.used.index);
  report("interrupts", interrupts);
  finish(0);
  return 0;
}
