// The first root file system of a Debian guest: busybox, an init that ends in a shell on the console, and the kernel
// modules of the devices. `MODULES=a,b` on the kernel's command line reaches init as a variable: they are loaded in order.

import type { ArchiveEntry } from "./archive.ts";

/** By name, with all that each needs before it: the order in which to load them. */
export const MODULES: Readonly<Record<string, readonly string[]>> = {
  virtio_mmio: ["virtio_mmio"],
  virtio_blk: ["virtio_mmio", "virtio_blk"],
  virtio_net: ["virtio_mmio", "failover", "net_failover", "virtio_net"],
  "virtio-rng": ["virtio_mmio", "virtio-rng"],
  ext4: ["crc16", "crc32c_generic", "mbcache", "jbd2", "ext4"],
};

export const moduleFiles = (): readonly string[] => [...new Set(Object.values(MODULES).flat())];

/** The value of `MODULES=` that loads these modules and what they need. */
export const moduleList = (names: readonly string[]): string =>
  [...new Set(names.flatMap((name) => MODULES[name] ?? []))].join(",");

/** The programs of busybox that are there by name; the others by `busybox NAME`. */
const PROGRAMS =
  "sh mount umount setsid cttyhack insmod lsmod ls cat echo cp mv rm mkdir rmdir ln dd sync sleep uname ps free df " +
  "dmesg grep sed head tail wc sort cut tr seq expr test true false kill poweroff reboot ip ifconfig ping nc wget " +
  "udhcpc hostname od hexdump cmp md5sum sha256sum time date env id stat touch vi mdev top yes usleep nproc";

const INIT = `#!/bin/busybox sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
IFS=,
for module in $MODULES; do insmod /modules/$module.ko; done
unset IFS
exec setsid cttyhack sh
`;

export function initialFiles(
  busybox: Uint8Array,
  modules: ReadonlyMap<string, Uint8Array>,
): readonly ArchiveEntry[] {
  const folders = ["bin", "dev", "proc", "sys", "tmp", "mnt", "etc", "modules"];
  return [
    ...folders.map((path) => ({ kind: "folder", path }) as const),
    { kind: "device", path: "dev/console", major: 5, minor: 1 },
    { kind: "file", path: "bin/busybox", bytes: busybox, run: true },
    ...PROGRAMS.split(" ").map(
      (name) => ({ kind: "link", path: `bin/${name}`, target: "busybox" }) as const,
    ),
    { kind: "file", path: "init", bytes: Buffer.from(INIT), run: true },
    ...[...modules].map(
      ([name, bytes]) => ({ kind: "file", path: `modules/${name}.ko`, bytes, run: false }) as const,
    ),
  ];
}
