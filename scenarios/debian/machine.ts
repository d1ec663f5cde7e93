// A machine that boots Debian: its configuration, from the files that were fetched.

import type { rv64 } from "../../core/guest/index.ts";
import { commandLine } from "./command-line.ts";
import type { DebianFiles } from "./fetched.ts";

export interface DebianMachine {
  readonly harts?: number;
  readonly memoryMiB?: number;
  readonly disks?: rv64.BoardConfig["disks"];
  readonly nics?: rv64.BoardConfig["nics"];
  readonly rng?: boolean;
  /** Modules to load at boot. */
  readonly modules?: readonly string[];
  /** Whether to leave out what serves nothing here; see command-line.ts. */
  readonly trimmed?: boolean;
}

/** 32 bytes: the least from which the kernel's generator counts as seeded, which spares it a tenth of the boot. */
const SEED = "4f72726572792064657465726d696e69737469632062757420756e6775657373";

export function debianMachine(
  { kernel, initrd }: DebianFiles,
  options: DebianMachine = {},
): rv64.BoardConfig {
  return {
    harts: options.harts ?? 1,
    memoryMiB: options.memoryMiB ?? 128,
    quantum: 10_000,
    instructionsPerSecond: 1_000_000_000,
    disks: options.disks ?? [],
    nics: options.nics ?? [],
    rng: options.rng ?? false,
    virtioConsole: false,
    boot: {
      kind: "linux",
      kernel,
      initrd,
      commandLine: commandLine(options.modules, options.trimmed),
      rngSeed: SEED,
    },
  };
}
