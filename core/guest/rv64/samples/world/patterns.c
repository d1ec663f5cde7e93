// Fills pages with one word each, of a few, and adds up for long what they hold; some are written again. Prints the sum.
#include "../board/board.h"

#define PAGES 96
#define WORDS 3

static u64 data[PAGES][512] __attribute__((aligned(4096)));

void trap(u64 cause, u64 *resume) {
  (void)cause, (void)resume;
  finish(1);
}

int main(u64 hart, u64 argument) {
  (void)hart, (void)argument;
  for (int page = 0; page < PAGES; page++) {
    for (int i = 0; i < 512; i++) data[page][i] = 0x0101010101010101ul * (1 + page % WORDS);
  }
  u64 sum = 0;
  for (int round = 0; round < 40; round++) {
    for (int page = 0; page < PAGES; page++) {
      volatile u64 *words = data[page];
      for (int i = 0; i < 512; i += 16) sum = sum * 31 + words[i];
      if (page % 8 == 5) words[round] = sum;
    }
  }
  report("sum", sum);
  finish(0);
  return 0;
}
