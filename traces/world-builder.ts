/**
 * What a trace needs to be re-executed: something that builds the world of its document, at event
 * 0, around a gate. Given by `scenarios`; documents and inputs are already loaded when it exists.
 */
import type { GateOptions, World } from "../core/kernel/index.ts";

export interface WorldBuilder {
  /** A fresh world. Everything about it is decided by the document and the gate. */
  readonly build: (gate: GateOptions) => World;
  /** Ids of the document's VMs: their own draws and inputs go to logs of their own. */
  readonly vms: readonly string[];
  /** When the run ends, in simulated time. */
  readonly durationNs: number;
}
