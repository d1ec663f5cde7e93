// What the programs for the board share: registers, console, the end.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define INTERRUPT (1ul << 63)
#define CLINT 0x2000000ul
#define PLIC 0xc000000ul
#define UART 0x10000000ul
#define VIRTIO 0x10001000ul
#define UART_SOURCE 10

#define csr_read(name) ({ u64 v_; asm volatile("csrr %0, " #name : "=r"(v_)); v_; })
#define csr_write(name, value) asm volatile("csrw " #name ", %0" ::"r"((u64)(value)) : "memory")
#define csr_set(name, value) asm volatile("csrs " #name ", %0" ::"r"((u64)(value)) : "memory")
#define csr_clear(name, value) asm volatile("csrc " #name ", %0" ::"r"((u64)(value)) : "memory")

static inline u8 read8(u64 at) { return *(volatile u8 *)at; }
static inline u32 read32(u64 at) { return *(volatile u32 *)at; }
static inline u64 read64(u64 at) { return *(volatile u64 *)at; }
static inline void write8(u64 at, u8 value) { *(volatile u8 *)at = value; }
static inline void write32(u64 at, u32 value) { *(volatile u32 *)at = value; }
static inline void write64(u64 at, u64 value) { *(volatile u64 *)at = value; }

extern volatile u64 tohost;

static inline void finish(u64 code) {
  tohost = code << 1 | 1;
  for (;;) asm volatile("wfi");
}

/* PATIENT programs wait for the transmitter, which on other machines may not be ready. */
static inline void put(u8 byte) {
#ifdef PATIENT
  while ((read8(UART + 5) & 0x20) == 0) {}
#endif
  write8(UART, byte);
}

static inline void print(const char *text) {
  while (*text) put(*text++);
}

static inline void print_number(u64 value) {
  char digits[20];
  int n = 0;
  do digits[n++] = '0' + value % 10;
  while (value /= 10);
  while (n > 0) put(digits[--n]);
}

/* A name, a number, a newline. */
static inline void report(const char *name, u64 value) {
  print(name);
  print(" ");
  print_number(value);
  print("\n");
}

/* Ends the program with the line's number when something does not hold. */
#define expect(condition) \
  do {                    \
    if (!(condition)) {   \
      report("failed at line", __LINE__); \
      finish(__LINE__);   \
    }                     \
  } while (0)

/* Waits, in machine mode, until something holds: looks and waits with interrupts held back, so that none is missed. */
#define wait_until(condition)          \
  do {                                 \
    csr_clear(mstatus, 8);             \
    while (!(condition)) {             \
      asm volatile("wfi");             \
      csr_set(mstatus, 8);             \
      csr_clear(mstatus, 8);           \
    }                                  \
    csr_set(mstatus, 8);               \
  } while (0)

/* Every program handles its own traps: the cause, and where to go on. */
void trap(u64 cause, u64 *resume);
int main(u64 hart, u64 argument);
