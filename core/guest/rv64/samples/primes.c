// Counts the primes below 10000 by a sieve; there are 1229.

static unsigned char composite[10000];

int main(void) {
  int count = 0;
  for (int i = 2; i < 10000; i++) {
    if (composite[i]) continue;
    count++;
    for (int j = 2 * i; j < 10000; j += i) composite[j] = 1;
  }
  return count == 1229 ? 0 : 1;
}
