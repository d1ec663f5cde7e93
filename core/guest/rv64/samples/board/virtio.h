// A driver of virtio over MMIO with one descriptor table a queue; it polls the used ring or waits for the interrupt bit.
#include "board.h"

#define ENTRIES 8

struct descriptor {
  u64 address;
  u32 length;
  u16 flags, next;
};

struct queue {
  struct descriptor table[ENTRIES];
  struct {
    u16 flags, index, ring[ENTRIES];
  } available;
  struct {
    u16 flags, index;
    struct {
      u32 id, length;
    } ring[ENTRIES];
  } used __attribute__((aligned(8)));
} __attribute__((aligned(4096)));

#define FLAG_NEXT 1
#define FLAG_WRITE 2

#define REG(device, offset) (VIRTIO + (device) * 0x1000ul + (offset))

static inline void queue_setup(int device, int number, volatile struct queue *queue) {
  write32(REG(device, 0x30), number);
  expect(read32(REG(device, 0x34)) >= ENTRIES);
  write32(REG(device, 0x38), ENTRIES);
  write32(REG(device, 0x80), (u32)(u64)&queue->table);
  write32(REG(device, 0x84), (u64)&queue->table >> 32);
  write32(REG(device, 0x90), (u32)(u64)&queue->available);
  write32(REG(device, 0x94), (u64)&queue->available >> 32);
  write32(REG(device, 0xa0), (u32)(u64)&queue->used);
  write32(REG(device, 0xa4), (u64)&queue->used >> 32);
  write32(REG(device, 0x44), 1);
  queue->available.index = 0;
  queue->used.index = 0;
}

/* Resets a device and accepts the features given (low half) and version 1. */
static inline void device_begin(int device, u32 id, u32 features) {
  expect(read32(REG(device, 0)) == 0x74726976);
  expect(read32(REG(device, 4)) == 2);
  expect(read32(REG(device, 8)) == id);
  write32(REG(device, 0x70), 0);
  write32(REG(device, 0x70), 3);
  write32(REG(device, 0x24), 0);
  write32(REG(device, 0x20), features);
  write32(REG(device, 0x24), 1);
  write32(REG(device, 0x20), 1);
  write32(REG(device, 0x70), 11);
  expect(read32(REG(device, 0x70)) == 11);
}

static inline void device_ready(int device) {
  write32(REG(device, 0x70), 15);
  expect(read32(REG(device, 0x70)) == 15);
}

static inline void offer(int device, int number, volatile struct queue *queue, u16 head) {
  queue->available.ring[queue->available.index % ENTRIES] = head;
  asm volatile("fence" ::: "memory");
  queue->available.index++;
  write32(REG(device, 0x50), number);
}

static inline void describe(volatile struct queue *queue, int i, volatile void *at, u32 length,
                            u16 flags, u16 next) {
  queue->table[i].address = (u64)at;
  queue->table[i].length = length;
  queue->table[i].flags = flags;
  queue->table[i].next = next;
}
