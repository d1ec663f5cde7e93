// Computes for a long time without asking for anything: 72 million instructions over a table of half a MiB, a line at the end.
#include "../board/board.h"

static u64 table[65536];
static u64 state = 88172645463325252ul;

void trap(u64 cause, u64 *resume) {
  (void)cause, (void)resume;
  finish(1);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  u64 sum = 0;
  for (int i = 0; i < 4000000; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    table[(state >> 20) % (1 + i / 64)] += sum += state;
  }
  report("sum", sum);
  finish(0);
  return 0;
}
