/**
 * A protected machine that is started twice at once: at the host where it was, with a backup, and there
 * again or alone at the one of its backup. One start has it, what is known of it is told by that one,
 * and its backup goes on when its host is lost.
 */
import { describe, expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import { type Protection, protectionName } from "../../core/fault-tolerance/protection.ts";
import type { HostEntity } from "../../core/platform/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { crash, outcomesOf, violations } from "../testing/crash-points.ts";
import { requestAfter } from "../testing/late-messages.ts";
import { builderOf } from "../testing/small-datacenter.ts";

type Case = {
  readonly kind: "redo" | "network";
  /** Host of the second start; the first is at beta, and alpha follows. */
  readonly second: "alpha" | "beta";
};

const OFF_MS = 10;
/** A start takes some 2.5 ms: the other one from well before it to after its end. */
const STEP_MS = 0.11;
const STARTS = 40;

const twoStarts = ({ kind, second }: Case, delayMs: number): ScenarioDocument => ({
  name: "two-starts",
  seed: 1,
  durationMs: 800,
  hosts: [
    { id: "alpha", cores: 1, memoryMiB: 4 },
    { id: "beta", cores: 1, memoryMiB: 4 },
  ],
  arrays: [{ id: "array" }],
  links: [
    { between: ["alpha", "array"] },
    { between: ["beta", "array"] },
    { between: ["alpha", "beta"] },
  ],
  vms: [
    {
      id: "web",
      host: "beta",
      memoryMiB: 1,
      protection: { kind: "log-replay", host: "alpha" },
      guest: { kind: "workload", phases: [{ name: "rest", durationMs: 1 }] },
      disks: [{ id: "data", on: "array", sizeMiB: 1, kind }],
      poweredOn: kind === "redo",
    },
  ],
  timeline: [
    { id: "there", atMs: OFF_MS + delayMs, do: "restart", vm: "web", host: "beta" },
    { id: "other", atMs: OFF_MS + 2, do: "take-over", vm: "web", host: second },
  ],
});

describe("a protected machine", () => {
  it.each([
    { kind: "redo", second: "alpha" },
    { kind: "redo", second: "beta" },
    { kind: "network", second: "alpha" },
    { kind: "network", second: "beta" },
  ] as const)("is one, wherever in one start the other begins, and is known: %j", (started) => {
    const primaries = new Set<string>();
    const states = new Set<string>();
    for (let at = 0; at < STARTS; at++) {
      const delayMs = at * STEP_MS;
      const world = builderOf(twoStarts(started, delayMs)).build({ seed: 1 });
      world.run({ untilNs: fromMs(400) });
      const where = `the second start ${delayMs} ms after the first could begin`;
      const record = vmRecordOf(world, "web");
      const known = world.named(protectionName("web")) as unknown as Protection;
      const { power, host } = record.durable;
      const { primary, state, run } = known.durable;
      expect([power, primary, run], where).toEqual(["on", host, record.durable.run]);
      expect(state, where).toMatch(/protected|alone/);
      primaries.add(primary);
      states.add(state);
      if (state === "protected") {
        const backup = world.named("alpha") as unknown as HostEntity;
        expect(backup.volatile.reservedMiB, where).toEqual({ web: 1 });
        crash(world, primary);
        world.run({ untilNs: fromMs(800) });
        expect([record.durable.host, record.durable.run], where).toEqual(["alpha", run]);
      }
      world.finish();
      expect(violations(world), where).toEqual([]);
    }
    expect(primaries).toEqual(new Set([started.second, "beta"]));
    expect(states).toContain("protected");
  });

  it.each([
    ["before it looks at the ballot", 2],
    ["when it has laid its own", 10],
  ])("is not started as the run that another start has begun, %s", (_, otherMs) => {
    const small = twoStarts({ kind: "network", second: "alpha" }, 0);
    const slow = { between: ["beta", "array"] as const, latencyUs: 3_000 };
    const links = small.links!.map((each) =>
      each.between.includes("beta") && each.between.includes("array") ? slow : each,
    );
    const [there, other] = small.timeline!;
    const later = { ...other!, atMs: OFF_MS + otherMs } as typeof other;
    const ends = new Set<string>();
    for (let at = 0; at < STARTS; at++) {
      const offMs = OFF_MS + otherMs + 1 + at;
      const timeline: ScenarioDocument["timeline"] = [
        there!,
        later!,
        { id: "off", atMs: offMs, do: "power-off", vm: "web" },
      ];
      const world = builderOf({ ...small, links, timeline }).build({ seed: 1 });
      const ended = outcomesOf(world);
      world.run({ untilNs: fromMs(200) });
      world.finish();
      const where = `ended at ${offMs} ms`;
      expect(violations(world), where).toEqual([]);
      const { run } = vmRecordOf(world, "web").durable;
      const known = world.named(protectionName("web")) as unknown as Protection;
      expect(known.durable.run, where).toBe(run);
      ends.add(`${ended["there"]} ${ended["other"]}`);
    }
    expect(ends).toContain("vm-starting complete");
  });

  it.each([
    ["lays its ballot", "file-write"],
    ["reads the ballot", "file-read"],
  ] as const)("lives once, although a start %s late, when the vote is decided", (_, verb) => {
    const small = twoStarts({ kind: "network", second: "beta" }, 0);
    const [there] = small.timeline!;
    const again = { ...there!, id: "again", atMs: OFF_MS + 1 } as typeof there;
    const away = { kind: "partition", from: "alpha", atMs: 100, durationMs: 300 } as const;
    const faults = [
      { ...away, to: "array" },
      { ...away, to: "beta" },
    ];
    const document = { ...small, timeline: [there!, again!], faults };
    const world = builderOf(document).build({ seed: 1 });
    const held = { array: "array", of: "there", verb, file: "web.vote", after: "web.go-alone-1" };
    const ended = requestAfter(world, { ...held, untilNs: fromMs(800) });
    world.finish();
    expect(violations(world)).toEqual([]);
    expect(ended).toMatchObject({ there: "vm-starting", again: "complete" });
    expect(ended["web.fail-over-1"]).toBe("complete");
    const { power, host } = vmRecordOf(world, "web").durable;
    expect([power, host]).toEqual(["on", "beta"]);
  });

  it("keeps its backup, where another start is refused because it owns its disks", () => {
    const small = twoStarts({ kind: "redo", second: "alpha" }, 0);
    const hosts = ["alpha", "beta", "gamma"];
    const document: ScenarioDocument = {
      ...small,
      hosts: hosts.map((id) => ({ id, cores: 1, memoryMiB: 4 })),
      arrays: [{ id: "array", ownership: { leaseMs: 40, heartbeatMs: 10 } }],
      links: [
        ...small.links!,
        ...["array", "alpha", "beta"].map((to) => ({ between: ["gamma", to] as const })),
      ],
    };
    for (let at = 0; at < STARTS; at++) {
      const atMs = OFF_MS + at * STEP_MS;
      const other = { id: "other", atMs, do: "take-over", vm: "web", host: "gamma" } as const;
      const world = builderOf({ ...document, timeline: [other] }).build({ seed: 1 });
      const ended = outcomesOf(world);
      world.run({ untilNs: fromMs(60) });
      const where = `the other start begins at ${atMs} ms`;
      expect(ended["other"], where).toBe("disk-busy");
      const { durable } = vmRecordOf(world, "web");
      const { run } = durable;
      crash(world, "beta");
      world.run({ untilNs: fromMs(800) });
      world.finish();
      expect(violations(world), where).toEqual([]);
      expect(ended[`web.fail-over-${run}`], where).toBe("complete");
      const after = vmRecordOf(world, "web").durable;
      expect([after.power, after.host, after.run], where).toEqual(["on", "alpha", run]);
    }
  });
});

describe("a machine that nobody protects, on a disk without an owner", () => {
  it.each(["alpha", "beta"] as const)(
    "is started once: at beta, and taken over at %s",
    (second) => {
      const codes = new Set<string>();
      for (let at = 0; at < STARTS; at++) {
        const small = twoStarts({ kind: "network", second }, 0);
        const vms = small.vms!.map(({ protection: _, ...vm }) => vm);
        const [, other] = small.timeline!;
        const there = {
          ...other!,
          id: "there",
          atMs: OFF_MS + at * STEP_MS,
          host: "beta",
        } as never;
        const world = builderOf({ ...small, vms, timeline: [there, other!] }).build({ seed: 1 });
        const ended = outcomesOf(world);
        world.run({ untilNs: fromMs(100) });
        world.finish();
        const where = `${at * STEP_MS} ms later`;
        expect(violations(world), where).toEqual([]);
        expect(vmRecordOf(world, "web").durable.run, where).toBe(1);
        codes.add([ended["there"], ended["other"]].join(" "));
      }
      expect(codes).toEqual(new Set(["complete already-on", "already-on complete"]));
    },
  );
});
