// virtio-rng and the virtio console: prints random bytes as the host gave them; types back what is typed.
#include "virtio.h"

static volatile struct queue queue, receiving, sending;
static volatile u8 bytes[16], typed[32], text[64];

void trap(u64 cause, u64 *resume) {
  (void)resume;
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  expect(source == 1 || source == 2);
  write32(REG(source - 1, 0x64), read32(REG(source - 1, 0x60)));
  write32(PLIC + 0x200004, source);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  device_begin(0, 4, 0);
  queue_setup(0, 0, &queue);
  device_ready(0);
  device_begin(1, 3, 0);
  queue_setup(1, 0, &receiving);
  queue_setup(1, 1, &sending);
  device_ready(1);
  write32(PLIC + 4, 1);
  write32(PLIC + 8, 1);
  write32(PLIC + 0x2000, 6);
  csr_set(mie, 1 << 11);
  csr_set(mstatus, 1 << 3);
  u64 sum = 0;
  for (int round = 0; round < 3; round++) {
    describe(&queue, 0, bytes, 16, FLAG_WRITE, 0);
    offer(0, 0, &queue, 0);
    wait_until(queue.used.index == round + 1);
    expect(queue.used.ring[round].length == 16);
    for (int i = 0; i < 16; i++) sum = sum * 31 + bytes[i];
  }
  report("random", sum);
  describe(&receiving, 0, typed, 32, FLAG_WRITE, 0);
  offer(1, 0, &receiving, 0);
  wait_until(receiving.used.index != 0);
  u32 length = receiving.used.ring[0].length;
  for (u32 i = 0; i < length; i++) text[i] = typed[i] ^ 0x20;
  text[length] = '\n';
  describe(&sending, 0, text, length + 1, 0, 0);
  offer(1, 1, &sending, 0);
  wait_until(sending.used.index != 0);
  finish(0);
  return 0;
}
