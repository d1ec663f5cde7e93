// Walks upwards through virtual pages that its page table (Sv39) scatters over memory, writing and adding up, a few thousand
// instructions at each; then prints the sum.
#include "../board/board.h"

#define PAGES 256
#define STRIDE 97
#define WINDOW 0x40000000ul
#define V 1
#define RWX 14
#define A 64
#define D 128

static u64 root[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096)));
static u64 leaf[512] __attribute__((aligned(4096)));
static u64 data[PAGES][512] __attribute__((aligned(4096)));

void trap(u64 cause, u64 *resume) {
  report("trap", cause);
  report("at", *resume);
  finish(99);
}

static void supervise(void) {
  u64 sum = 0;
  for (int round = 0; round < 4; round++) {
    for (u64 page = 0; page < PAGES; page++) {
      volatile u64 *window = (volatile u64 *)(WINDOW + page * 4096);
      for (int i = 0; i < 64; i++) {
        window[i * 8] += page + i;
        sum = sum * 31 + window[i * 8];
      }
    }
  }
  report("sum", sum);
  finish(0);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  for (u64 page = 0; page < PAGES; page++) {
    leaf[page] = (u64)data[page * STRIDE % PAGES] >> 12 << 10 | V | RWX | A | D;
    data[page][0] = page;
  }
  // Devices and RAM at their own addresses as pages of 1 GiB; the window through three levels.
  root[0] = 0ul << 28 | V | RWX | A | D;
  root[2] = 2ul << 28 | V | RWX | A | D;
  root[1] = (u64)middle >> 12 << 10 | V;
  middle[0] = (u64)leaf >> 12 << 10 | V;
  csr_write(pmpaddr0, ~0ul);
  csr_write(pmpcfg0, 0x1f);
  csr_write(satp, 8ul << 60 | (u64)root >> 12);
  csr_clear(mstatus, 0x1800);
  csr_set(mstatus, 0x0800);
  csr_write(mepc, supervise);
  asm volatile("mret");
  return 0;
}
