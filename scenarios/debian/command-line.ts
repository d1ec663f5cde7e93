// What Debian's kernel is told at boot. The self-tests and tables left out cost three quarters of a boot's instructions and
// serve nothing here.

import { moduleList } from "./initial-files.ts";

const CONSOLE = ["console=ttyS0", "earlycon=uart8250,mmio,0x10000000"] as const;

const SKIPPED = [
  "jent_mod_init",
  "load_system_certificate_list",
  "btf_vmlinux_init",
  "bpf_sysfs_init",
  "trace_eval_init",
  "ecdsa_init",
  "ecrdsa_mod_init",
  "ecdh_init",
] as const;

/** `modules`: which of the devices' modules to load (see initial-files.ts). `trimmed`: without what is not needed here. */
export function commandLine(modules: readonly string[] = [], trimmed = true): string {
  return [
    ...CONSOLE,
    ...(trimmed ? ["cryptomgr.notests", `initcall_blacklist=${SKIPPED.join(",")}`] : []),
    ...(modules.length > 0 ? [`MODULES=${moduleList(modules)}`] : []),
  ].join(" ");
}
