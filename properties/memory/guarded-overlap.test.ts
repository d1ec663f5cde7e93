/**
 * A VM whose pages are integrity-protected is moved while its last checkpoint is still being written and
 * its previous restore is still lazy: all three at once, which the notices of the run itself show. Every
 * attack is told once before, meanwhile and after; and with either host lost at any step of it nothing
 * is violated and the VM runs. Modelled guests and real machines.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, fromMs, type World } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import {
  afterEach,
  crash,
  CRASHES_MS,
  crashPoints,
  isRunning,
  onceEach,
  sampled,
  violations,
} from "../testing/crash-points.ts";
import {
  guardedWorld,
  modelledDriver,
  REAL_SENTRY,
  type Timeline,
} from "../testing/guarded-world.ts";

/** Single pages and a small buffer: the file takes long to write. */
const SLOWLY = { groupBlocks: 2, stagingBlocks: 4 } as const;

const journey = (atMs: number, move: object = {}): Timeline => [
  { id: "sleep", atMs, do: "suspend", vm: "m", on: "array", blockKiB: 16 },
  { id: "wake", after: "sleep.complete", do: "resume", vm: "m", on: "array", readsAtOnce: 1 },
  { id: "save", after: "wake.goesOn", do: "checkpoint", vm: "m", on: "array", ...SLOWLY },
  {
    id: "move",
    after: "wake.goesOn",
    delayMs: 1,
    do: "migrate",
    vm: "m",
    to: "beta",
    minMbps: 2_000,
    maxMbps: 5_000,
    stopBelowKiB: 64,
    ...move,
  },
];

/** What went on when: of the checkpoint, the move and the restore, and alerts. */
function watch(world: World) {
  const at = new Map<string, number>();
  const alerts: { readonly atNs: number; readonly what: string }[] = [];
  const pages: { [notice: string]: number } = {};
  const outcomes: { [id: string]: string } = {};
  world.hooks.onNotice = ({ kind, data }) => {
    const id = String(data["id"]);
    const event =
      kind === "phase"
        ? `${id}.${String(data["phase"])}`
        : kind === "migration"
          ? String(data["event"])
          : kind;
    if (!at.has(event)) at.set(event, world.timeNs);
    if (kind === "integrity-alert") alerts.push({ atNs: world.timeNs, what: String(data["what"]) });
    if (kind === "checkpoint-residual" || kind === "restore-continues") {
      pages[kind] = Number(data["pages"]);
    }
    if (kind !== "operation-end") return;
    outcomes[id] = String(data["outcome"]);
    at.set(`${id} ended`, world.timeNs);
  };
  world.run({ untilNs: fromMs(420) });
  world.finish();
  expect(violations(world)).toEqual([]);
  const when = (event: string): number => {
    expect([...at.keys()], event).toContain(event);
    return at.get(event)!;
  };
  return { when, alerts, pages, outcomes };
}

/** All three at once, by what was told of each. */
function expectOverlap({ when, pages, outcomes }: ReturnType<typeof watch>): void {
  for (const id of ["sleep", "wake", "save", "move", "m.restore-on-beta"]) {
    expect(outcomes[id], id).toBe("complete");
  }
  // Pages are absent at the instant of the checkpoint, and at the switch-over.
  expect(pages["checkpoint-residual"]!).toBeGreaterThan(0);
  expect(pages["restore-continues"]!).toBeGreaterThan(0);
  // Rounds run while the checkpoint is written, and while the restore goes on at either host.
  expect(when("checkpoint-instant")).toBeLessThan(when("round"));
  expect(when("round")).toBeLessThan(when("save ended"));
  expect(when("quiesced")).toBeLessThan(when("m.restore-on-beta ended"));
}

/** Attacks a millisecond apart, by everybody in turn. */
const ATTACKS = Array.from({ length: 90 }, (_, i) => ({
  atMs: 20 + i,
  by: (["kernel", "device", "driver"] as const)[i % 3]!,
  when: (["at-once", "in-update", "in-interrupt"] as const)[(i >> 1) % 3]!,
  on: i % 2 === 0 ? "protected" : "code",
  pages: 1,
}));

const GUESTS = [
  ["modelled", modelledDriver(ATTACKS), 40],
  // It attacks every 20 ms of its own time: the third time comes while all three go on.
  ["real", REAL_SENTRY, 55],
] as const;

describe("restore, checkpoint and move at once of a guarded guest", () => {
  it.each(GUESTS)("tell every attack once (%s)", async (name, vm, atMs) => {
    const seen = watch(await guardedWorld(vm, journey(atMs)));
    expectOverlap(seen);
    const { alerts, when } = seen;
    expect(alerts).toHaveLength(name === "real" ? 170 : ATTACKS.length);
    const between = (from: number, to: number): number =>
      alerts.filter(({ atNs }) => atNs > from && atNs < to).length;
    expect(between(0, when("sleep.begin"))).toBeGreaterThan(0);
    expect(between(when("checkpoint-instant"), when("save ended"))).toBeGreaterThan(0);
    expect(between(when("move.copy"), when("quiesced"))).toBeGreaterThan(0);
    expect(between(when("arrived"), fromMs(420))).toBeGreaterThan(0);
  });

  it("are not taken for at once when they are not (canary)", async () => {
    const late = journey(40).map((entry) =>
      "method" in entry || entry.do !== "resume" ? entry : { ...entry, method: "eager" as const },
    );
    const seen = watch(await guardedWorld(GUESTS[0][1], late));
    expect(() => expectOverlap(seen)).toThrow();
  });

  it("go as well by post-copy, where pages come from two places", async () => {
    const move = { algorithm: "post-copy", maxMbps: 200, delayMs: 4 };
    const { alerts, pages, outcomes } = watch(await guardedWorld(GUESTS[0][1], journey(40, move)));
    expect(outcomes).toMatchObject({ wake: "complete", save: "complete", move: "complete" });
    expect(pages["restore-continues"]!).toBeGreaterThan(0);
    expect(alerts).toHaveLength(ATTACKS.length);
  });

  it.each(
    GUESTS.flatMap((guest) => ["alpha", "beta"].map((domain) => [...guest, domain] as const)),
  )(
    "leave one machine when a host is lost at any step (%s, %#)",
    async (name, vm, atMs, domain) => {
      const restarted = { ...vm, restartOn: ["alpha", "beta"] };
      const world = await guardedWorld(restarted, journey(atMs), 1, { durationMs: 6_000 });
      world.run({ untilNs: fromMs(atMs) });
      const isMeant = (id: string): boolean => /^(wake|save|move|m[.]start|m[.]restore)/.test(id);
      const all = crashPoints(world, fromMs(200), isMeant);
      // Before it goes on it is off, and stays so.
      const points = onceEach(all.slice(all.findIndex((each) => /goesOn/.test(each.at))));
      expect(points.length).toBeGreaterThan(40);
      const some = sampled(points, name === "real" ? 100 : 60, domain === "alpha" ? 7 : 19);
      afterEach(world, captureWorld(world), some, ({ at }) => {
        const where = `${domain} lost at ${at}`;
        crash(world, domain);
        world.run({ untilNs: world.timeNs + fromMs(300) });
        world.restart(world.registry.domainNamed(domain)!);
        world.run({ untilNs: fromMs(6_000) });
        world.finish();
        expect(violations(world), where).toEqual([]);
        const { ended } = vmRecordOf(world, "m").durable;
        expect(isRunning(world, "m") || ended === "shutdown", where).toBe(true);
        expect(world.activeOperations, where).toBe(0);
      });
    },
    CRASHES_MS,
  );
});
