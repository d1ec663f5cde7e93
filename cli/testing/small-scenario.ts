/** A scenario that runs in a moment: one VM that writes, one snapshot. */
export const smallScenario = {
  name: "small",
  seed: 3,
  durationMs: 400,
  hosts: [{ id: "alpha", cores: 2, memoryMiB: 4_096 }],
  arrays: [
    {
      id: "array",
      capacityMiB: 4_096,
      readLatencyUs: { median: 180, p99: 2_000 },
      writeLatencyUs: { median: 90, p99: 900 },
    },
  ],
  links: [{ between: ["alpha", "array"], bandwidthMbps: 10_000, latencyUs: 20 }],
  vms: [
    {
      id: "db",
      host: "alpha",
      memoryMiB: 256,
      guest: {
        kind: "workload",
        bootMs: 0,
        phases: [
          {
            name: "write",
            durationMs: 1_000,
            block: [{ disk: "data", pacing: "closed", outstanding: 1, readPercent: 30 }],
          },
        ],
      },
      disks: [{ id: "data", on: "array", sizeMiB: 64 }],
    },
  ],
  timeline: [{ id: "snap", do: "snapshot", vm: "db", atMs: 200 }],
};
