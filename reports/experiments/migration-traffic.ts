/** What a move leaves of the network to the guest that is moved, by the rate it is allowed. */
import type { ScenarioDocument } from "../../scenarios/index.ts";
import type { Experiment, MeasuredRun, Setting } from "./experiment.ts";
import { completed, figureOf, samplesIn } from "./measures.ts";

const MOVE_MS = 1_000;
const END_MS = 30_000;
const PORT_MBPS = 1_000;
const MEMORY_MIB = 256;
const MESSAGE_BYTES = 65_536;
/** Offered: more than the port carries, so that what is carried is what is left of it. */
const OFFERED_MBPS = 1_050;

/** Decimal Mbit/s that the guest's own messages got while it was moved. */
function served(run: MeasuredRun): number | undefined {
  const moved = completed(run, "move");
  if (moved === undefined) return undefined;
  const window = { fromMs: moved.startNs / 1e6, toMs: moved.endNs! / 1e6 };
  const points = samplesIn(run, (entity) => entity.startsWith("serv"), "bytes", window);
  const sum = points.reduce((bytes, point) => bytes + point.sum, 0);
  return (sum * 8e3) / (moved.endNs! - moved.startNs);
}

export const migrationTraffic: Experiment = {
  name: "migration-traffic",
  describe: "Rate of a move against the guest's own traffic",
  question:
    "A guest that sends as much as its port carries is moved over the same port. What is left to it while " +
    "it is moved, the time that it stands still included, and how long does the move take, as the rounds " +
    "are allowed more?",
  parameters: [
    {
      name: "rate",
      describe: "rate of the rounds",
      unit: "Mbit/s",
      values: [100, 200, 400, 600],
    },
  ],
  methods: [
    {
      name: "pre-copy",
      describe: "The first round at this rate, later ones as fast as pages are dirtied, and more.",
      baseline: false,
    },
    { name: "stop-and-copy", describe: "Everything at this rate, standing still.", baseline: true },
  ],
  measures: [
    { name: "served", describe: "guest's traffic during the move", unit: "Mbit/s", of: served },
    { name: "total", describe: "total", unit: "s", of: figureOf("move", "totalNs", 1e-9) },
    {
      name: "down",
      describe: "downtime",
      unit: "ms",
      of: figureOf("move", "downtimeNs", 1e-6),
      scale: "log",
    },
  ],
  document,
};

function document(setting: Setting, algorithm: string): ScenarioDocument {
  const rate = setting["rate"] as number;
  const port = { bandwidthMbps: PORT_MBPS };
  const phase = { name: "work", durationMs: END_MS * 2 };
  const memory = { workingSetMiB: 16, writesPerSecond: 1_000 };
  const messagesPerSecond = (OFFERED_MBPS * 1e6) / 8 / MESSAGE_BYTES;
  const network = [{ to: "client", messagesPerSecond, sizeBytes: MESSAGE_BYTES }];
  const ids = ["alpha", "beta", "clients"];
  return {
    name: "migration-traffic",
    durationMs: END_MS,
    hosts: ids.map((id) => ({ id, cores: 2, memoryMiB: 2_048, nic: port })),
    links: [
      { id: "moving", between: ["alpha", "beta"], ...port },
      { id: "serving", between: ["alpha", "clients"], ...port },
      { id: "served", between: ["beta", "clients"], ...port },
    ],
    vms: [
      {
        id: "vm",
        host: "alpha",
        memoryMiB: MEMORY_MIB,
        guest: { kind: "workload", bootMs: 20, phases: [{ ...phase, memory, network }] },
      },
      {
        id: "client",
        host: "clients",
        memoryMiB: 64,
        guest: { kind: "workload", bootMs: 20, phases: [phase] },
      },
    ],
    timeline: [
      {
        id: "move",
        atMs: MOVE_MS,
        do: "migrate",
        vm: "vm",
        to: "beta",
        algorithm: algorithm as "pre-copy",
        minMbps: rate,
        maxMbps: algorithm === "pre-copy" ? PORT_MBPS : rate,
        startUpMs: 5,
      },
    ],
  };
}
