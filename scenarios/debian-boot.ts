/**
 * Two guests that boot Debian's own riscv64 kernel, unmodified, to a shell. Commands are typed into
 * their consoles: one makes a file system on a disk of an array, mounts it with ext4 and reads back
 * what it wrote, then pings the other one over a link; both power off in the end.
 *
 * `npx tsx scenarios/debian-boot.ts` fetches kernel and busybox with apt into the cache first; exit 4
 * says what is missing for that. `npx tsx scenarios/debian/fetch.ts` does only that.
 */
import { runIfMain, scenario } from "orrery";
import { commandLine, fetchDebian } from "./debian/index.ts";

const FOLDER = "cache:debian-trixie-riscv64";
const KERNEL = { file: `${FOLDER}/kernel`, initrd: `${FOLDER}/initrd.cpio` };
const PROMPT = "# ";

const typed = (commands: readonly string[]) =>
  commands.map((command) => ({ waitFor: PROMPT, text: `${command}\n` }));

/** A Linux machine with an interface to another one, of a thousand million instructions a second. */
const debian = (to: string, modules: readonly string[], commands: readonly string[]) => ({
  kind: "rv64" as const,
  ...KERNEL,
  commandLine: commandLine(modules),
  rngSeed: "4f72726572792064657465726d696e69737469632062757420756e6775657373",
  instructionsPerSecond: 1_000_000_000,
  network: [{ to }],
  typed: typed(commands),
});

export default scenario({
  name: "debian-boot",
  description:
    "Two guests boot Debian's kernel, use an ext4 disk on an array, ping each other over a link.",
  seed: 1,
  durationMs: 4_000,
  hosts: [
    { id: "alpha", cores: 4, memoryMiB: 4_096 },
    { id: "beta", cores: 4, memoryMiB: 4_096 },
  ],
  arrays: [{ id: "array", readLatencyUs: 120, writeLatencyUs: 80 }],
  links: [
    { between: ["alpha", "beta"], bandwidthMbps: 1_000, latencyUs: 50 },
    { between: ["alpha", "array"], bandwidthMbps: 10_000, latencyUs: 20 },
  ],
  vms: [
    {
      id: "client",
      host: "alpha",
      memoryMiB: 128,
      guest: debian(
        "server",
        ["virtio_blk", "ext4", "virtio_net"],
        [
          "uname -a",
          "busybox mke2fs -F /dev/vda >/dev/null && mount -t ext4 /dev/vda /mnt && echo mounted",
          "echo kept > /mnt/note && sync && umount /mnt && mount -t ext4 /dev/vda /mnt && cat /mnt/note",
          "ip addr add 10.0.0.1/24 dev eth0 && ip link set eth0 up && echo up",
          "ping -c 3 -i 0.1 10.0.0.2",
          "umount /mnt; poweroff -f",
        ],
      ),
      disks: [{ id: "data", on: "array", sizeMiB: 16 }],
    },
    {
      id: "server",
      host: "beta",
      memoryMiB: 128,
      guest: debian(
        "client",
        ["virtio_net"],
        [
          "ip addr add 10.0.0.2/24 dev eth0 && ip link set eth0 up && echo up",
          "sleep 2; cat /sys/class/net/eth0/statistics/rx_packets; poweroff -f",
        ],
      ),
    },
  ],
  expect: [
    { vm: "client", state: "off" },
    { vm: "server", state: "off" },
  ],
});

await runIfMain(import.meta, () => {
  const fetched = fetchDebian();
  return fetched.ok ? undefined : `Debian for riscv64 cannot be fetched: ${fetched.missing}`;
});
