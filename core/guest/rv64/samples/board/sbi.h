// SBI calls from supervisor mode.
#include "board.h"

struct answer {
  long error;
  u64 value;
};

static inline struct answer call(u64 extension, u64 function, u64 x, u64 y, u64 z) {
  register u64 a0 asm("a0") = x;
  register u64 a1 asm("a1") = y;
  register u64 a2 asm("a2") = z;
  register u64 a6 asm("a6") = function;
  register u64 a7 asm("a7") = extension;
  asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
  return (struct answer){(long)a0, a1};
}

#define BASE 0x10
#define TIME 0x54494d45
#define IPI 0x735049
#define RFENCE 0x52464e43
#define HSM 0x48534d
#define SRST 0x53525354
#define DBCN 0x4442434e
#define LIFECYCLE 0x0a004f52
#define ALL (~0ul)
