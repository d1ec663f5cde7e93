// A page clock without sfence.vma: supervisor mode under Sv39 reads and writes pages in a fixed disorder, clears their
// accessed and dirty bits now and then, exchanges mappings, and expects the machine to set the bits again and to follow the
// tables at once. Prints what it counted.
#include "board.h"

#define PAGES 16
#define WINDOW 0x40000000ul
#define V 1
#define RWX 14
#define A 64
#define D 128

static u64 root[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096)));
static volatile u64 leaf[512] __attribute__((aligned(4096)));
static volatile u64 data[PAGES][512] __attribute__((aligned(4096)));

static u64 seed = 1;
static u64 next(u64 limit) {
  seed = seed * 6364136223846793005ul + 1442695040888963407ul;
  return (seed >> 33) % limit;
}

void trap(u64 cause, u64 *resume) {
  report("trap", cause);
  report("at", *resume);
  finish(99);
}

static volatile u64 *window(u64 page) { return (volatile u64 *)(WINDOW + page * 4096); }

static void supervise(void) {
  u64 accessed = 0, dirty = 0, sum = 0;
  int place[PAGES];
  for (int i = 0; i < PAGES; i++) place[i] = i;
  for (int round = 0; round < 150; round++) {
    u64 expectedA = 0, expectedD = 0;
    for (int i = 0; i < 30; i++) {
      u64 page = next(PAGES);
      expectedA |= 1ul << page;
      if (next(2)) {
        window(page)[8]++;
        expectedD |= 1ul << page;
      }
      sum = sum * 31 + window(page)[8] + page;
    }
    for (u64 page = 0; page < PAGES; page++) {
      expect(((leaf[page] & A) != 0) == ((expectedA >> page) & 1));
      expect(((leaf[page] & D) != 0) == ((expectedD >> page) & 1));
      accessed += (leaf[page] & A) != 0;
      dirty += (leaf[page] & D) != 0;
      leaf[page] &= ~(u64)(A | D);
    }
    // Two pages change places; what was written must have moved along.
    u64 x = next(PAGES), y = next(PAGES), entry = leaf[x];
    leaf[x] = leaf[y];
    leaf[y] = entry;
    int old = place[x];
    place[x] = place[y];
    place[y] = old;
    expect(window(x)[0] == 1000ul + place[x] && window(y)[0] == 1000ul + place[y]);
    leaf[x] &= ~(u64)(A | D);
    leaf[y] &= ~(u64)(A | D);
  }
  report("accessed", accessed);
  report("dirty", dirty);
  report("sum", sum % 1000000007);
  finish(0);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  for (int i = 0; i < PAGES; i++) {
    data[i][0] = 1000 + i;
    leaf[i] = (u64)data[i] >> 12 << 10 | V | RWX;
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
