// virtio-net: sends frames of growing sizes and expects each back with its addresses swapped.
#include "virtio.h"

static volatile struct queue receiving, sending;
static volatile u8 in[4][1600], out[1600];

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  write32(REG(0, 0x64), read32(REG(0, 0x60)));
  write32(PLIC + 0x200004, source);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  device_begin(0, 1, 1 << 5);
  queue_setup(0, 0, &receiving);
  queue_setup(0, 1, &sending);
  device_ready(0);
  write32(PLIC + 4, 1);
  write32(PLIC + 0x2000, 2);
  csr_set(mie, 1 << 11);
  csr_set(mstatus, 1 << 3);
  for (int i = 0; i < 4; i++) {
    describe(&receiving, i, in[i], 1600, FLAG_WRITE, 0);
    offer(0, 0, &receiving, i);
  }
  for (int size = 14; size <= 1514; size += 300) {
    for (int i = 0; i < 6; i++) {
      out[12 + i] = 0xff;
      out[18 + i] = read8(REG(0, 0x100) + i);
    }
    for (int i = 12; i < size; i++) out[12 + i] = i + size;
    describe(&sending, 0, out, 12 + size, 0, 0);
    u16 before = receiving.used.index;
    offer(0, 1, &sending, 0);
    wait_until(receiving.used.index != before);
    u32 id = receiving.used.ring[before % ENTRIES].id;
    expect(receiving.used.ring[before % ENTRIES].length == 12u + size);
    expect(in[id][10] == 1 && in[id][11] == 0);
    for (int i = 0; i < 6; i++) expect(in[id][12 + i] == out[18 + i] && in[id][18 + i] == 0xff);
    for (int i = 12; i < size; i++) expect(in[id][12 + i] == out[12 + i]);
    offer(0, 0, &receiving, id);
    report("frame", size);
  }
  finish(0);
  return 0;
}
