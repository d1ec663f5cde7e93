/**
 * Every kind of disk under the same guest: on a host's disk and on an array, under each mode of the
 * page cache, and mounted by the guest itself. After a crash each keeps what it promised, and the
 * modes differ where they must.
 */
import { describe, expect, it } from "vitest";
import { fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { validateDocument } from "../../scenarios/index.ts";
import { isRunning, violations } from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

type Disk = NonNullable<NonNullable<ScenarioDocument["vms"]>[0]["disks"]>[0];
type Kind = Pick<Disk, "on" | "kind" | "cacheMode">;

const KINDS: { readonly [name: string]: Kind } = {
  "host disk, no cache": { on: "alpha/ssd", kind: "flat", cacheMode: "none" },
  "host disk, writethrough": { on: "alpha/ssd", kind: "flat", cacheMode: "writethrough" },
  "host disk, writeback": { on: "alpha/ssd", kind: "flat", cacheMode: "writeback" },
  "raw volume, no cache": { on: "array", kind: "flat", cacheMode: "none" },
  "raw volume, writethrough": { on: "array", kind: "flat", cacheMode: "writethrough" },
  "raw volume, writeback": { on: "array", kind: "flat", cacheMode: "writeback" },
  "redo logs, writeback": { on: "array", kind: "redo", cacheMode: "writeback" },
  "network volume": { on: "array", kind: "network", cacheMode: "none" },
};

function documentOf(kind: Kind, changes: Partial<ScenarioDocument> = {}): ScenarioDocument {
  const small = smallDatacenter();
  const [alpha, beta] = small.hosts!;
  const [vm] = small.vms!;
  const { restartOn: _, ...rest } = vm!;
  const elsewhere = kind.on === "array" ? { restartOn: ["beta"] } : {};
  const disks = ["data", "log"].map((id) => ({ id, sizeMiB: 16, ...kind }));
  const ssd = (id: string) => ({ id, sizeMiB: 64, writeCacheMiB: 0 });
  if (kind.on !== "array") disks[1]!.on = "alpha/log";
  return {
    ...small,
    hosts: [{ ...alpha!, disks: [ssd("ssd"), ssd("log")] }, beta!],
    vms: [{ ...rest, ...elsewhere, disks }],
    timeline: [],
    ...changes,
  };
}

interface Seen {
  readonly world: World;
  readonly events: readonly string[];
  /** Sums and counts of what virtual machines and their own devices measured. */
  readonly sums: { readonly [series: string]: number };
  readonly counts: { readonly [series: string]: number };
  readonly reached: ReadonlySet<string>;
  /** How often each open disk answered. */
  readonly answers: { readonly [disk: string]: number };
}

function seen(document: ScenarioDocument, untilMs: number): Seen {
  const world = builderOf(document).build({ seed: 1 });
  const events: string[] = [];
  const [sums, counts]: { [series: string]: number }[] = [{}, {}];
  const reached = new Set<string>();
  const measure = world.measure.bind(world);
  world.measure = (entity, series, value) => {
    if (entity.kind === "vm" || entity.kind === "network-volume") {
      sums![series] = (sums![series] ?? 0) + value;
      counts![series] = (counts![series] ?? 0) + 1;
    }
    measure(entity, series, value);
  };
  const answers: { [disk: string]: number } = {};
  world.hooks.onNotice = ({ kind, data, entity }) => {
    if (kind === "disk-answered") answers[entity] = (answers[entity] ?? 0) + 1;
    if (kind === "lifecycle") events.push((data as PlainObject)["event"] as string);
    if (kind === "sometimes") reached.add(data["name"] as string);
  };
  world.run({ untilNs: fromMs(untilMs) });
  world.finish();
  return { world, events, sums: sums!, counts: counts!, reached, answers };
}

describe("a guest on any kind of disk", () => {
  for (const [name, kind] of Object.entries(KINDS)) {
    it(`${name}: finds after a crash what it was promised`, () => {
      const document = documentOf(kind, {
        faults: [{ kind: "crash", domain: "alpha", atMs: 700, restartAfterMs: 500 }],
      });
      const { world, events } = seen(document, 4_500);
      expect(violations(world)).toEqual([]);
      expect(isRunning(world, "db")).toBe(true);
      expect(events.slice(events.indexOf("crash"))).toContain("verified");
    });
  }

  it("waits less for writes under writeback than without a cache, on each place", () => {
    for (const place of ["host disk", "raw volume"]) {
      const mean = (mode: string): number => {
        const { sums, counts } = seen(documentOf(KINDS[`${place}, ${mode}`]!), 600);
        return sums["write-latency-ns"]! / counts["write-latency-ns"]!;
      };
      expect(mean("writeback")).toBeLessThan(mean("no cache"));
    }
  });
});

describe("a volume that the guest mounts", () => {
  const network = KINDS["network volume"]!;

  it("goes over the virtual machine's network, not through the host's initiator", () => {
    const { world, sums } = seen(documentOf(network), 600);
    expect(sums["vm-network-bytes"]).toBeGreaterThan(100_000);
    const { files } = world.named("array").durable as unknown as { files: object };
    expect(Object.keys(files).filter((key) => key.endsWith(".owner"))).toEqual([]);
    for (const entity of world.entities()) expect(entity.kind).not.toBe("initiator");
  });

  it("lives through a partition and a long stun: the guest is patient, and its time stands", () => {
    const { world, events } = seen(
      documentOf(network, {
        durationMs: 12_000,
        faults: [{ kind: "partition", from: "alpha", to: "array", atMs: 400, durationMs: 7_000 }],
        timeline: [
          { id: "stun", atMs: 500, do: "stun", vm: "db" },
          { id: "unstun", atMs: 5_000, do: "unstun", vm: "db" },
        ],
      }),
      12_000,
    );
    expect(violations(world)).toEqual([]);
    expect(events).toContain("unstunned");
    expect(isRunning(world, "db")).toBe(true);
  });

  it("takes nothing late of an earlier run: the login of the next one ends it", () => {
    const document = documentOf(network, {
      links: [{ id: "alpha-array", between: ["alpha", "array"] }, { between: ["beta", "array"] }],
      faults: [
        { kind: "slow", component: "alpha-array", factor: 60_000, atMs: 400, durationMs: 12 },
      ],
      timeline: [
        { id: "there", atMs: 430, do: "restart", vm: "db", host: "beta" },
        { id: "back", atMs: 1_900, do: "restart", vm: "db", host: "alpha" },
      ],
    });
    const { world, reached } = seen(document, 4_500);
    expect(violations(world)).toEqual([]);
    expect(isRunning(world, "db")).toBe(true);
    expect(reached).toContain("a request of an earlier session is dropped");
  });

  it("is mounted anew by a run that moves: there it is answered, and back where it was, too", () => {
    const [vm] = documentOf(network).vms!;
    const between = { between: ["alpha", "beta"], bandwidthMbps: 10_000 } as const;
    const document = documentOf(network, {
      links: [...smallDatacenter().links!, between],
      vms: [{ ...vm!, memoryMiB: 4 }],
      timeline: [
        { id: "there", atMs: 400, do: "migrate", vm: "db", to: "beta" },
        { id: "back", after: "there.complete", delayMs: 300, do: "migrate", vm: "db", to: "alpha" },
      ],
    });
    const { world, answers } = seen(document, 3_000);
    expect(violations(world)).toEqual([]);
    for (const run of ["db/run-1", "db/run-1-on-beta", "db/run-1-on-alpha"]) {
      expect(answers[`${run}/data-1`], run).toBeGreaterThan(20);
    }
  });

  it("is refused a cache of the host, and snapshots", () => {
    const problems = (document: ScenarioDocument): string => {
      const checked = validateDocument(document, { file: "x" });
      return checked.ok ? "" : JSON.stringify(checked.problems);
    };
    const cached = documentOf({ ...network, cacheMode: "writeback" });
    expect(problems(cached)).toMatch(/goes round the host's page cache/);
    const timeline = [{ id: "s", atMs: 9, do: "snapshot", vm: "db", disks: ["data"] }] as const;
    expect(problems(documentOf(network, { timeline: [...timeline] }))).toMatch(/no disk that can/);
  });
});
