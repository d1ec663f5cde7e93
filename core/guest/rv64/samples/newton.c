// Floating point: square roots by Newton's method against the instruction, sums in both formats.

static double root(double a) {
  double x = a;
  for (int i = 0; i < 60; i++) x = 0.5 * (x + a / x);
  return x;
}

int main(void) {
  for (int i = 1; i < 200; i++) {
    double exact;
    __asm__("fsqrt.d %0, %1" : "=f"(exact) : "f"((double)i));
    double error = root(i) - exact;
    if (error > 1e-14 || error < -1e-14) return 1;
  }
  float sum = 0;
  for (int i = 1; i <= 1000; i++) sum += 1.0f / i;
  return sum > 7.4854f && sum < 7.4856f ? 0 : 2;
}
