// What firmware answers to calls that must fail, and to the harmless ones: printed, so that two firmwares can be compared. It
// stands above the first 2 MiB, where other firmware may live, and waits for what may come late. Needs two harts.
#include "sbi.h"

static volatile u64 arrived, told;

void trap(u64 cause, u64 *resume) {
  (void)resume;
  report("trap", cause);
  call(SRST, 0, 0, 0, 0);
}

void _start(void);

static void show(const char *what, struct answer got) {
  print(what);
  print(got.error < 0 ? " error " : " fine ");
  print_number(got.error < 0 ? -got.error : 0);
  print("\n");
}

static void show_value(const char *what, struct answer got) {
  show(what, got);
  report("  value", got.value);
}

int main(u64 hart, u64 argument) {
  if (told++ > 0) {
    // The second hart: says that it is here, with what it was given, and stops.
    arrived = argument + hart;
    call(HSM, 1, 0, 0, 0);
    print("did not stop\n");
  }
  // Whichever hart came first, the other one is the second.
  u64 other = 1 - hart;
  static const u64 extensions[] = {BASE, TIME, IPI, RFENCE, HSM, SRST, 0x123456};
  for (u32 i = 0; i < sizeof extensions / sizeof *extensions; i++)
    report("exists", call(BASE, 3, extensions[i], 0, 0).value != 0);
  show("unknown extension", call(0x123456, 0, 0, 0, 0));
  show("unknown function of BASE", call(BASE, 99, 0, 0, 0));
  show("unknown function of TIME", call(TIME, 9, 0, 0, 0));
  show("unknown function of IPI", call(IPI, 9, 0, 0, 0));
  show("unknown function of RFENCE", call(RFENCE, 99, 1, 0, 0));
  show("unknown function of HSM", call(HSM, 99, 0, 0, 0));
  show_value("status of itself", call(HSM, 2, hart, 0, 0));
  show_value("status of the other", call(HSM, 2, other, 0, 0));
  show("status of nobody", call(HSM, 2, 77, 0, 0));
  show("start itself", call(HSM, 0, hart, (u64)_start, 0));
  show("start nobody", call(HSM, 0, 77, (u64)_start, 0));
  show("start the other", call(HSM, 0, other, (u64)_start, 40));
  while (arrived == 0) {}
  report("it was given", arrived - other);
  while (call(HSM, 2, other, 0, 0).value != 1) {}
  print("it stopped\n");
  show("suspend in a reserved way", call(HSM, 3, 5, 0, 0));
  show("interrupt all", call(IPI, 0, 0, ALL, 0));
  while ((csr_read(sip) & 2) == 0) {}
  csr_clear(sip, 2);
  show("interrupt itself", call(IPI, 0, 1ul << hart, 0, 0));
  while ((csr_read(sip) & 2) == 0) {}
  csr_clear(sip, 2);
  show("interrupt nobody at all", call(IPI, 0, 1, 4000, 0));
  show("fence for all", call(RFENCE, 0, 0, ALL, 0));
  show("fence of addresses", call(RFENCE, 1, 1ul << hart, 0, 0));
  show("fence for nobody at all", call(RFENCE, 0, 1, 4000, 0));
  show("timer", call(TIME, 0, ALL, 0, 0));
  show_value("pending", (struct answer){0, csr_read(sip) & 32});
  call(TIME, 0, 0, 0, 0);
  while ((csr_read(sip) & 32) == 0) {}
  call(TIME, 0, ALL, 0, 0);
  show_value("pending", (struct answer){0, csr_read(sip) & 32});
  print("end\n");
  call(SRST, 0, 0, 0, 0);
  print("still here\n");
  return 0;
}
