// A modelled VM of 64 GiB moves, or is checkpointed, in a process of its own; prints what that cost as
// JSON. Argument: "move" or "checkpoint".
import { argv, cpuUsage } from "node:process";
import { runLargeVm } from "../../properties/testing/large-vm.ts";

export interface LargeVmFigures {
  readonly outcome: string;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  /** The most that the process held. */
  readonly residentMiB: number;
}

const started = performance.now();
const { outcome } = runLargeVm(argv[2] === "move" ? "move" : "checkpoint");
const { user, system } = cpuUsage();
const figures: LargeVmFigures = {
  outcome,
  wallSeconds: (performance.now() - started) / 1_000,
  cpuSeconds: (user + system) / 1e6,
  residentMiB: process.resourceUsage().maxRSS / 1_024,
};
console.log(JSON.stringify(figures));
