// What goes into a machine and what comes out of it, as plain data. Everything a machine cannot compute from its own
// state arrives as a BoardInput at an exact progress, so the list of (progress, input) with files and configuration
// re-executes it alone: that list is its boundary log.

import type { ContentRun } from "../../../kernel/index.ts";
import type { BlockRequest } from "../../../platform/index.ts";
import type { IntegrityEvent } from "../../integrity/index.ts";

/** Tables are no output: whoever runs the machine finds them in its state. */
export type IntegrityCallEvent = Exclude<IntegrityEvent, { readonly what: "tables" }>;

/** The serial console is the UART; the other one is the virtio console. */
export type ConsolePort = "serial" | "virtio";

export type BoardInput =
  /** Typed bytes, in order. What the guest has not taken yet is kept, up to 64 KiB a port. */
  | { readonly kind: "console"; readonly port: ConsolePort; readonly bytes: Uint8Array }
  /** Answer to a `block` output. `runs` fill exactly the sectors of a read that went well. */
  | {
      readonly kind: "block-done";
      readonly disk: string;
      readonly request: number;
      readonly ok: boolean;
      readonly runs?: readonly ContentRun[];
    }
  /** A disk has become larger: its configuration changes, and the driver is told (virtio 1.2, 2.5, 5.2.4). */
  | { readonly kind: "block-size"; readonly disk: string; readonly sectors: number }
  /** An Ethernet frame for a nic; dropped, and counted, when the guest has no room for it. */
  | { readonly kind: "packet"; readonly nic: string; readonly bytes: Uint8Array }
  /** Answer to `need-random`: exactly as many bytes. */
  | { readonly kind: "random"; readonly request: number; readonly bytes: Uint8Array }
  /** Answer to `need-orders`: numbers of permutations (`orderOf`), one for each of the next rounds. */
  | { readonly kind: "hart-orders"; readonly orders: readonly number[] };

export type LifecycleEvent =
  "preboot" | "postboot" | "application-start" | "application-exit" | "shutdown";

export type Halt =
  /** SBI system reset, the finisher, or `tohost` with code 0 (`passed`) or another one. */
  | { readonly kind: "power-off"; readonly reason: "none" | "system-failure" }
  | { readonly kind: "reset"; readonly reason: "none" | "system-failure" }
  | { readonly kind: "exit"; readonly code: string };

/** Each is stamped with the progress right behind the instruction that caused it. */
export type BoardOutput = { readonly progress: number } & (
  | { readonly kind: "console"; readonly port: ConsolePort; readonly bytes: Uint8Array }
  | {
      readonly kind: "block";
      readonly disk: string;
      readonly request: number;
      readonly io: BlockRequest;
    }
  | { readonly kind: "send"; readonly nic: string; readonly bytes: Uint8Array }
  | { readonly kind: "need-random"; readonly request: number; readonly bytes: number }
  /** Of several harts: in which order they run in the next rounds. Unanswered, they go on as they did. */
  | { readonly kind: "need-orders" }
  | { readonly kind: "lifecycle"; readonly event: LifecycleEvent }
  /** A call of its integrity driver, or in its name, was refused (sbi/integrity.ts). */
  | { readonly kind: "integrity"; readonly event: IntegrityCallEvent }
  | { readonly kind: "halt"; readonly halt: Halt }
);

/** An output before it is stamped. */
export type Emission = BoardOutput extends infer Output
  ? Output extends unknown
    ? Omit<Output, "progress">
    : never
  : never;
