// The boot that is measured: one guest of 128 MiB on one host, to the prompt of Debian's shell.
import type { ScenarioDocument } from "orrery";
import { commandLine } from "../../scenarios/debian/index.ts";

const FOLDER = "cache:debian-trixie-riscv64";

export const shellDocument: ScenarioDocument = {
  name: "debian-shell",
  description: "One guest boots Debian's kernel to its shell, and stays there.",
  seed: 1,
  durationMs: 4_000,
  hosts: [{ id: "alpha", cores: 4, memoryMiB: 4_096 }],
  vms: [
    {
      id: "guest",
      host: "alpha",
      memoryMiB: 128,
      guest: {
        kind: "rv64",
        file: `${FOLDER}/kernel`,
        initrd: `${FOLDER}/initrd.cpio`,
        commandLine: commandLine(),
        rngSeed: "4f72726572792064657465726d696e69737469632062757420756e6775657373",
        instructionsPerSecond: 1_000_000_000,
      },
    },
  ],
};
