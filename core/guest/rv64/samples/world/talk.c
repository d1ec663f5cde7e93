// Two of these talk over virtio-net. The one with an odd last byte of its MAC address asks, 24 times: it computes, sends a
// frame, waits for the answer with a timer running, and sends again when there is none. The other one answers until it is
// told that it was the last.
#include "../board/virtio.h"

#define ROUNDS 24
#define FRAME 400
#define LAST 0xff

static volatile struct queue receiving, sending;
static volatile u8 in[4][1600], out[1600];
static volatile u16 seen;
static volatile int late;
static u64 table[4096];
static u64 state = 88172645463325252ul;

static u64 next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

static void compute(int steps) {
  for (int i = 0; i < steps; i++) table[next() % 4096] += state;
}

static u64 sum(void) {
  u64 total = 0;
  for (int i = 0; i < 4096; i++) total = total * 31 + table[i];
  return total;
}

static void set_timer(u64 ticks) { write64(CLINT + 0x4000, read64(CLINT + 0xbff8) + ticks); }

void trap(u64 cause, u64 *resume) {
  (void)resume;
  if (cause == (INTERRUPT | 7)) {
    late = 1;
    write64(CLINT + 0x4000, ~0ul);
    return;
  }
  expect(cause == (INTERRUPT | 11));
  u32 source = read32(PLIC + 0x200004);
  write32(REG(0, 0x64), read32(REG(0, 0x60)));
  write32(PLIC + 0x200004, source);
}

static void send(u8 number, u64 payload) {
  for (int i = 0; i < 6; i++) {
    out[12 + i] = 0xff;
    out[18 + i] = read8(REG(0, 0x100) + i);
  }
  out[24] = 0x88;
  out[25] = 0xb5;
  out[26] = number;
  for (int i = 0; i < 8; i++) out[28 + i] = payload >> 8 * i;
  for (int i = 36; i < 12 + FRAME; i++) out[i] = number + i;
  static u16 sent;
  describe(&sending, 0, out, 12 + FRAME, 0, 0);
  sent = sending.used.index;
  offer(0, 1, &sending, 0);
  while (sending.used.index == sent) {}
}

/* The next frame, or 0 when the timer came first. */
static volatile u8 *receive(void) {
  for (;;) {
    csr_clear(mstatus, 1 << 3);
    if (receiving.used.index != seen || late) break;
    asm volatile("wfi");
    csr_set(mstatus, 1 << 3);
  }
  csr_set(mstatus, 1 << 3);
  if (receiving.used.index == seen) return 0;
  return in[receiving.used.ring[seen % ENTRIES].id] + 26;
}

static void done_with(volatile u8 *frame) {
  offer(0, 0, &receiving, (frame - in[0]) / 1600);
  seen++;
}

static u64 payload_of(volatile u8 *frame) {
  u64 payload = 0;
  for (int i = 0; i < 8; i++) payload |= (u64)frame[2 + i] << 8 * i;
  return payload;
}

static void ask(void) {
  u64 tries = 0;
  for (int round = 0; round < ROUNDS; round++) {
    compute(2000 + (next() & 1023));
    u64 payload = next();
    for (int answered = 0; !answered;) {
      late = 0;
      tries++;
      send(round, payload);
      set_timer(20000);
      volatile u8 *frame;
      while (!answered && (frame = receive()) != 0) {
        answered = frame[0] == round && payload_of(frame) == ~payload;
        done_with(frame);
      }
    }
    if (round % 8 == 7) report("answers", round + 1);
  }
  send(LAST, 0);
  report("frames", tries);
}

static void answer(void) {
  for (u64 count = 0;; count++) {
    volatile u8 *frame = receive();
    u8 number = frame[0];
    u64 payload = payload_of(frame);
    done_with(frame);
    if (number == LAST) {
      report("questions", count);
      return;
    }
    compute(500 + (payload & 511));
    send(number, ~payload);
  }
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  device_begin(0, 1, 1 << 5);
  queue_setup(0, 0, &receiving);
  queue_setup(0, 1, &sending);
  device_ready(0);
  write64(CLINT + 0x4000, ~0ul);
  write32(PLIC + 4, 1);
  write32(PLIC + 0x2000, 2);
  csr_set(mie, 1 << 11 | 1 << 7);
  for (int i = 0; i < 4; i++) {
    describe(&receiving, i, in[i], 1600, FLAG_WRITE, 0);
    offer(0, 0, &receiving, i);
  }
  int asks = read8(REG(0, 0x105)) & 1;
  print(asks ? "asking\n" : "answering\n");
  if (asks) ask();
  else answer();
  report("sum", sum());
  finish(0);
  return 0;
}
