// The benchmark programs, one chosen by PROGRAM at compile time; each does ROUNDS rounds and passes (returns 0) unless the
// result is impossible. Integer: sha256, sieve, matmul, mergesort, crc, div, xorshift. Floating point: nbody, mandelbrot.

typedef unsigned int u32;
typedef unsigned long u64;

#if defined(P_sha256)
static const u32 K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static u32 rotate(u32 x, int n) { return x >> n | x << (32 - n); }

static void block(u32 *h, u32 *w) {
  for (int i = 16; i < 64; i++) {
    u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 v[8];
  for (int i = 0; i < 8; i++) v[i] = h[i];
  for (int i = 0; i < 64; i++) {
    u32 s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
    u32 t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
    u32 s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
    u32 t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    for (int j = 7; j > 0; j--) v[j] = v[j - 1];
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h[i] += v[i];
}

static u32 h[8], w[64];
int main(void) {
  for (int r = 0; r < ROUNDS * 6000; r++) {
    for (int i = 0; i < 16; i++) w[i] = h[i & 7] + r;
    block(h, w);
  }
  return h[0] == 0;
}
#elif defined(P_sieve)
static unsigned char c[1 << 18];
int main(void) {
  int n = 0;
  for (int r = 0; r < ROUNDS * 8; r++) {
    n = 0;
    for (int i = 0; i < 1 << 18; i++) c[i] = 0;
    for (int i = 2; i < 1 << 18; i++)
      if (!c[i]) {
        n++;
        for (int j = 2 * i; j < 1 << 18; j += i) c[j] = 1;
      }
  }
  return n != 23000;
}
#elif defined(P_matmul)
static long a[96][96], b[96][96], p[96][96];
int main(void) {
  for (int i = 0; i < 96; i++)
    for (int j = 0; j < 96; j++) a[i][j] = i + j, b[i][j] = i == j;
  for (int r = 0; r < ROUNDS * 4; r++)
    for (int i = 0; i < 96; i++)
      for (int j = 0; j < 96; j++) {
        long s = 0;
        for (int k = 0; k < 96; k++) s += a[i][k] * b[k][j];
        p[i][j] = s;
      }
  return p[3][5] != 8;
}
#elif defined(P_mergesort)
static u32 x[1 << 15], y[1 << 15];
int main(void) {
  u32 s = 1;
  for (int r = 0; r < ROUNDS * 3; r++) {
    for (int i = 0; i < 1 << 15; i++) x[i] = s = s * 1664525 + 1013904223;
    u32 *from = x, *to = y;
    for (int n = 1; n < 1 << 15; n *= 2) {
      for (int lo = 0; lo < 1 << 15; lo += 2 * n) {
        int i = lo, j = lo + n, mid = lo + n, hi = lo + 2 * n;
        for (int k = lo; k < hi; k++)
          to[k] = j >= hi || (i < mid && from[i] <= from[j]) ? from[i++] : from[j++];
      }
      u32 *t = from;
      from = to;
      to = t;
    }
    for (int i = 1; i < 1 << 15; i++)
      if (from[i - 1] > from[i]) return 1;
  }
  return 0;
}
#elif defined(P_crc)
static u32 t[256];
int main(void) {
  for (u32 i = 0; i < 256; i++) {
    u32 v = i;
    for (int k = 0; k < 8; k++) v = v & 1 ? v >> 1 ^ 0xedb88320 : v >> 1;
    t[i] = v;
  }
  u32 v = ~0u;
  for (int i = 0; i < ROUNDS * 2500000; i++) v = v >> 8 ^ t[(v ^ i) & 255];
  return v == 0;
}
#elif defined(P_div)
int main(void) {
  u64 s = 0, a = 0x123456789abcdef;
  for (u64 i = 1; i < ROUNDS * 2000000ul; i++) s += a / i + a % (i | 5);
  return s == 0;
}
#elif defined(P_xorshift)
int main(void) {
  u64 x = 88172645463325252ul;
  for (int i = 0; i < ROUNDS * 3500000; i++) x ^= x << 13, x ^= x >> 7, x ^= x << 17;
  return x == 0;
}
#elif defined(P_nbody)
static double q[5][3], v[5][3];
int main(void) {
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) q[i][k] = i * 1.7 + k * 0.3 + 0.1, v[i][k] = 0.01 * (i - k);
  for (int r = 0; r < ROUNDS * 15000; r++) {
    for (int i = 0; i < 5; i++)
      for (int j = i + 1; j < 5; j++) {
        double d[3], s = 0.01;
        for (int k = 0; k < 3; k++) d[k] = q[i][k] - q[j][k], s += d[k] * d[k];
        double m = 0.0001 / (s * __builtin_sqrt(s));
        for (int k = 0; k < 3; k++) v[i][k] -= d[k] * m, v[j][k] += d[k] * m;
      }
    for (int i = 0; i < 5; i++)
      for (int k = 0; k < 3; k++) q[i][k] += 0.001 * v[i][k];
  }
  return q[0][0] != q[0][0];
}
#elif defined(P_mandelbrot)
int main(void) {
  int inside = 0;
  for (int r = 0; r < ROUNDS * 3; r++)
    for (int i = 0; i < 100; i++)
      for (int j = 0; j < 100; j++) {
        float x = 0, y = 0, a = i * 0.03f - 2.0f, b = j * 0.02f - 1.0f;
        int n = 0;
        while (n < 100 && x * x + y * y < 4) {
          float t = x * x - y * y + a;
          y = 2 * x * y + b;
          x = t;
          n++;
        }
        inside += n == 100;
      }
  return inside == 0;
}
#endif
