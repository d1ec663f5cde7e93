// A kernel whose integrity driver protects real code and a table of it, and all that attack them: another function, an
// alias of the page, user mode, a jump past the driver's check, an interrupt handler, another hart, a device, the driver
// itself. What it did that must be told is counted and printed in the end.
#include "../board/sbi.h"
#include "../board/virtio.h"

#define GUARD 0x0a004749ul
#define OFFSET_ALIAS 0x40000000ul
#define USER 0x100000000ul

enum { PROTECT, UNPROTECT, UPDATE, ERR };

long driver_call(u64 operation, u64 a, u64 b);
void driver_poke(volatile void *at, u64 value);
long enter_user(u64 code, u64 place);
void leave_user(void);
void user_attack(void);
int service(void);
void _start(void);
extern u8 driver_code[], driver_code_end[], driver_data[], driver_data_end[];
extern u8 service_code[], service_code_end[], service_table[], service_table_end[];
extern u8 user_code[], driver_entry[];
extern volatile u64 driver_count;
extern volatile u64 table;

static volatile u64 ticks, depth, deepest, attacks_of_handler, writes, calls, updating, other_done;
static volatile u64 other_begins;
static u64 root[512] __attribute__((aligned(4096)));
static u64 middle[512] __attribute__((aligned(4096)));
static u64 leaf[512] __attribute__((aligned(4096)));
static u64 user_middle[512] __attribute__((aligned(4096)));
static u64 user_leaf[512] __attribute__((aligned(4096)));
static volatile struct queue queue;
static volatile struct {
  u32 type, reserved;
  u64 sector;
} header;
static volatile u8 status;

static inline __attribute__((always_inline)) struct answer guard(u64 function, u64 a, u64 b, u64 c, u64 d, u64 e) {
  register u64 a0 asm("a0") = a;
  register u64 a1 asm("a1") = b;
  register u64 a2 asm("a2") = c;
  register u64 a3 asm("a3") = d;
  register u64 a4 asm("a4") = e;
  register u64 a6 asm("a6") = function;
  register u64 a7 asm("a7") = GUARD;
  asm volatile("ecall"
               : "+r"(a0), "+r"(a1)
               : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
               : "memory");
  return (struct answer){(long)a0, a1};
}

/* In integrity mode; everything that it calls is the driver's code. */
__attribute__((section(".driver.text"), used)) long driver_main(u64 operation, u64 a, u64 b) {
  if (operation == PROTECT) return guard(3, a, b, 0, 0, 0).error;
  if (operation == UNPROTECT) return guard(4, a, b, 0, 0, 0).error;
  if (operation == ERR) {
    *(volatile u64 *)a = b;
    return 0;
  }
  for (u64 i = 0; i < a; i++) {
    for (u64 j = 0; j < 16; j++) asm volatile("");
    driver_count++;
    updating = 1;
  }
  updating = 0;
  return guard(5, 0, 0, 0, 0, 0).value;
}

static u64 now(void) {
  u64 time;
  asm volatile("rdtime %0" : "=r"(time));
  return time;
}

void trap(u64 cause, u64 *frame) {
  if (cause == 8) {
    frame[0] = (u64)leave_user;
    frame[1] |= 0x100;
    return;
  }
  if (cause != (INTERRUPT | 5)) {
    report("trap", cause);
    call(SRST, 0, 0, 0, 0);
  }
  ticks++;
  if (++depth > deepest) deepest = depth;
  // Every third one is interrupted itself.
  u64 again = ticks % 3 == 1;
  call(TIME, 0, now() + (again ? 6 : 200), 0, 0);
  if (attacks_of_handler > 0) {
    attacks_of_handler--;
    driver_count = driver_count;
    writes++;
  }
  if (again) {
    u64 until = ticks + 1;
    csr_set(sstatus, 2);
    while (ticks < until) {}
    csr_clear(sstatus, 2);
  }
  depth--;
}

/* RAM stands at its place and 1 GiB higher; two pages of it are a user's as well. */
static void map_memory(void) {
  const u64 all = 0xcf;
  for (u64 i = 0; i < 512; i++) leaf[i] = ((0x80000000ul >> 12) + i) << 10 | all;
  middle[0] = ((u64)leaf >> 12) << 10 | 1;
  root[0] = all;
  root[2] = root[3] = ((u64)middle >> 12) << 10 | 1;
  user_leaf[0] = ((u64)user_code >> 12) << 10 | 0xdb;
  user_leaf[1] = ((u64)service_code >> 12) << 10 | 0xd7;
  user_middle[0] = ((u64)user_leaf >> 12) << 10 | 1;
  root[4] = ((u64)user_middle >> 12) << 10 | 1;
  csr_write(satp, 8ul << 60 | (u64)root >> 12);
  asm volatile("sfence.vma" ::: "memory");
}

static void set_up_driver(void) {
  u64 code = (u64)driver_code, code_bytes = driver_code_end - driver_code;
  u64 data = (u64)driver_data, data_bytes = driver_data_end - driver_data;
  u64 entry = (u64)driver_entry;
  // Each is refused, and harms nothing.
  expect(guard(1, 0, 0, 0, 0, 0).error == -3);
  expect(guard(0, code, code_bytes, data, data_bytes, (u64)service).error == -3);
  expect(guard(0, 0x70000000, 4096, data, data_bytes, entry).error == -5);
  expect(guard(0, code, code_bytes, data, data_bytes, entry).error == 0);
  expect(guard(0, code, code_bytes, data, data_bytes, entry).error == -6);
  expect(driver_call(PROTECT, 0xc0000000ul, 4096) == -5);
  expect(driver_call(PROTECT, (u64)service_code, 0) == -5);
}

/* Its own data, while interrupts come and go; every stay ends in integrity mode. */
static void update(u64 rounds) {
  u64 before = driver_count;
  expect(driver_call(UPDATE, rounds, 0) == 1);
  expect(driver_count == before + rounds);
}

/* One store, whatever the compiler knows of the place. */
static inline void put_half(u64 at, u64 value) {
  asm volatile("sh %0, 0(%1)" ::"r"(value), "r"(at) : "memory");
}

static void attack_from_kernel(void) {
  expect(service() == 1);
  // li a0, 2
  put_half((u64)service_code, 0x4509), writes++;
  asm volatile("fence.i");
  expect(service() == 2);
  put_half((u64)service_code + OFFSET_ALIAS, 0x4505), writes++;
  asm volatile("fence.i");
  expect(service() == 1);
  write8((u64)driver_code_end - 1, 1), writes++;
  write8((u64)driver_data_end - 1, 1), writes++;
  // Over the end of a page into the next one: both are protected.
  asm volatile("sd zero, 0(%0)" ::"r"((u64)service_code_end - 4) : "memory");
  writes += 2;
  u64 old = 0;
  asm volatile("amoswap.d %0, %0, (%1)" : "+r"(old) : "r"(&table) : "memory");
  writes++;
  asm volatile("sc.d %0, %0, (%1)" : "+r"(old) : "r"(&table) : "memory");
  expect(old == 1);
}

static void attack_the_gate(void) {
  expect(guard(1, 0, 0, 0, 0, 0).error == -4);
  calls++;
  driver_poke(&driver_count, driver_count), writes++;
  expect(guard(3, (u64)service_code, 4096, 0, 0, 0).error == -4);
  calls++;
  expect(guard(4, (u64)service_code, 4096, 0, 0, 0).error == -4);
  calls++;
  *(volatile u8 *)(service_code + 64) = 1, writes++;
  expect(guard(5, 0, 0, 0, 0, 0).value == 0);
}

static void attack_by_device(void) {
  device_begin(0, 2, 1 << 9);
  queue_setup(0, 0, &queue);
  device_ready(0);
  header.type = 0;
  header.sector = 3;
  status = 0xff;
  describe(&queue, 0, &header, 16, FLAG_NEXT, 1);
  describe(&queue, 1, service_table + 512, 512, FLAG_NEXT | FLAG_WRITE, 2);
  describe(&queue, 2, &status, 1, FLAG_WRITE, 0);
  offer(0, 0, &queue, 0);
  while (queue.used.index == 0) {}
  expect(status == 0);
  writes++;
}

static void attack_from_other_hart(void) {
  while (!other_begins) {}
  while (!updating) {}
  driver_count = driver_count;
  other_done = 1;
  call(HSM, 1, 0, 0, 0);
}

/* Sleeps until a timer that no handler hears. */
static void pause(u64 ticks_of_clock) {
  csr_clear(sstatus, 2);
  csr_set(sie, 1 << 5);
  u64 until = now() + ticks_of_clock;
  call(TIME, 0, until, 0, 0);
  while (now() < until) asm volatile("wfi");
  call(TIME, 0, ALL, 0, 0);
  csr_clear(sie, 1 << 5);
}

/* Everything once, with `updates` interrupts of the driver before. */
static void round(u64 updates) {
  expect(driver_call(PROTECT, (u64)service_code, 4096) == 0);
  expect(driver_call(PROTECT, (u64)service_table, 4096) == 0);
  csr_set(sie, 1 << 5);
  call(TIME, 0, now() + 50, 0, 0);
  csr_set(sstatus, 2);
  u64 after = ticks + updates;
  while (ticks < after) update(20);
  attack_from_kernel();
  attack_the_gate();
  attacks_of_handler = 2;
  while (attacks_of_handler > 0) update(20);
  csr_clear(sie, 1 << 5);
  enter_user(USER + ((u64)user_attack & 0xfff), USER + 4096 + 128), writes++;
  driver_call(ERR, (u64)&table, 5), writes++;
  other_begins = other_done = 0;
  if (call(HSM, 0, 1, (u64)_start, 0).error == 0) {
    other_begins = 1;
    while (!other_done) driver_call(UPDATE, 40, 0);
    writes++;
    while (call(HSM, 2, 1, 0, 0).value != 1) {}
  }
  if (HAS_DISK) attack_by_device();
  expect(driver_call(UNPROTECT, (u64)service_code, 4096) == 0);
  *(volatile u8 *)(service_code + 64) = 2;
}

int main(u64 hart, u64 argument) {
  (void)argument;
  if (hart == 1) {
    csr_write(satp, 8ul << 60 | (u64)root >> 12);
    attack_from_other_hart();
  }
  map_memory();
  set_up_driver();
  print("guarded\n");
  for (int i = 0; i < ROUNDS; i++) {
    if (i > 0) pause(PAUSE);
    round(i == 0 ? 4 : 0);
  }
  report("interrupted", deepest);
  report("writes", writes);
  report("calls", calls);
  call(SRST, 0, 0, 0, 0);
  return 0;
}
