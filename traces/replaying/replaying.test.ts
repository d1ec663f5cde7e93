import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { domainRoots, hashHex, uniform, type World } from "../../core/kernel/index.ts";
import { sampleWorld } from "../../core/kernel/testing/index.ts";
import { diffTraces } from "../comparing/trace-diff.ts";
import { whyChanged } from "../comparing/why.ts";
import { finish } from "./sliced.ts";
import { changingBuilder, type Variant } from "../testing/changing-world.ts";
import { recordInMemory, runIn } from "../testing/record.ts";
import { replay } from "./replayer.ts";
import { Timeline } from "./timeline.ts";

const builder = changingBuilder();
const { bytes, world } = await recordInMemory(builder, { seed: 5 });
const run = runIn(bytes);
const LAST = world.eventCount;

/** The state root after each event, by re-execution from the seed alone. */
const straight: string[] = [];
{
  const again = builder.build({ seed: 5 });
  for (let event = 0; event <= LAST; event++) {
    again.run({ untilEvent: event });
    straight.push(hashHex(again.stateRoot()));
  }
}
const rootOf = (timeline: Timeline): string => hashHex(timeline.world.stateRoot());

describe("a recorded run", () => {
  it("replays from its log: verified root by root, with nothing from the seed", () => {
    const result = replay(run, builder, { sameCode: true });
    expect(result).toMatchObject({ verified: true, divergence: undefined, newDraws: [] });
    expect(result.epochsVerified).toBe(run.epochs.length);
    expect(result.draws).toMatchObject({ fromSeed: 0, fresh: 0, fromLog: result.draws.draws });
    expect(result.root).toBe(result.recordedRoot);
    expect(run.snapshots.length).toBeGreaterThan(2);
  });

  it("that uses everything the kernel has replays too", async () => {
    const build = (gate: Parameters<typeof sampleWorld>[0]): World => sampleWorld(gate);
    const sample = { build, vms: ["server", "client"], durationNs: 120_000 };
    const recorded = await recordInMemory(sample, { seed: 3 });
    const result = replay(runIn(recorded.bytes), sample, { sameCode: true });
    expect(result).toMatchObject({ verified: true, draws: { fromSeed: 0, fresh: 0 } });
  });

  it.each([1, 40, 255, 256, 257, 300, 700])(
    "that is interrupted after event %i replays to there from its log alone",
    async (stopsAt) => {
      const cut = await recordInMemory(builder, { seed: 5, stopsAt });
      const result = replay(runIn(cut.bytes), builder, { sameCode: true });
      const { draws } = cut.world.gate.counts();
      expect(result).toMatchObject({ verified: true, newDraws: [] });
      expect(result.root).toBe(hashHex(cut.world.root()));
      expect(result.draws).toMatchObject({ fromSeed: 0, fresh: 0, fromLog: draws });
      expect(draws).toBeGreaterThan(0);
    },
  );

  it("keeps the draws of a VM apart", () => {
    const draws = run.trace.chunks("draws");
    const owners = new Set(draws.map(({ meta }) => meta["owner"]));
    expect(owners).toEqual(new Set(["walker-0", "world"]));
    const counted = draws.reduce((sum, { meta }) => sum + (meta["count"] as number), 0);
    expect(counted).toBe(world.gate.counts().draws);
  });

  it("that was drawn for as it was built replays from its log alone", async () => {
    const drawing = {
      ...builder,
      build: (gate: Parameters<typeof builder.build>[0]): World => {
        const built = builder.build(gate);
        for (const name of ["walker-0", "walker-2"]) {
          const walker = built.named(name);
          // More than the gate keeps before it hands them on.
          for (let each = 0; each < 40_000; each++) walker.draw("start", uniform(500));
          walker.after(1 + walker.draw("start", uniform(500)), "step");
        }
        return built;
      },
    };
    const recorded = await recordInMemory(drawing, { seed: 5 });
    expect(hashHex(recorded.world.root())).not.toBe(hashHex(world.root()));
    const result = replay(runIn(recorded.bytes), drawing, { sameCode: true });
    expect(result).toMatchObject({ verified: true, draws: { fromSeed: 0, fresh: 0 } });
  });

  it("with live inputs gives them again where they took effect, wherever a seek begins", async () => {
    const inputs = new Map([
      [100, [1_000, 7]],
      [250, [5]],
      [700, [9]],
    ]);
    const roots = new Map<number, string>();
    const live = await recordInMemory(builder, {
      seed: 5,
      drive: (at, recorder) => {
        for (let event = 10; event <= 900; event += 10) {
          at.run({ untilEvent: event, pauseEvery: 5 });
          for (const by of inputs.get(event) ?? []) recorder.inject("walker-1", "poke", by);
          roots.set(event, hashHex(at.stateRoot()));
        }
      },
    });
    expect(hashHex(live.world.root())).not.toBe(hashHex(world.root()));
    const result = replay(runIn(live.bytes), builder, { sameCode: true });
    expect(result.verified).toBe(true);
    const liveRun = runIn(live.bytes);
    expect(liveRun.snapshots.filter(({ inputs: taken }) => taken > 0).length).toBeGreaterThan(1);
    const timeline = new Timeline(liveRun, builder);
    for (let at = 0; at < 2 * roots.size; at++) {
      const event = 10 * (1 + ((at * 37) % roots.size));
      if (inputs.has(event)) continue;
      timeline.seekEvent(event);
      expect(rootOf(timeline), `event ${event}`).toBe(roots.get(event));
    }
  });

  it("with `seed` logging holds no draw and replays from the seed", async () => {
    const brief = await recordInMemory(builder, { seed: 5, log: "seed" });
    expect(brief.bytes.length).toBeLessThan(bytes.length);
    const brieflyRun = runIn(brief.bytes);
    expect(brieflyRun.trace.chunks("draws")).toEqual([]);
    const result = replay(brieflyRun, builder, { sameCode: true });
    expect(result).toMatchObject({ verified: true, draws: { fromLog: 0 } });
  });

  it("canary: under another seed's log nothing verifies", async () => {
    const other = await recordInMemory(changingBuilder("as-kept", 3), { seed: 5 });
    const result = replay(runIn(other.bytes), builder, { sameCode: true });
    expect(result.verified).toBe(false);
    expect(result.divergence!.event).toBeGreaterThan(0);
  });
});

describe("a timeline", () => {
  it("is at any event what re-execution from the start gives, in any order of moves", () => {
    const timeline = new Timeline(run, builder);
    const move = fc.oneof(
      fc.tuple(fc.constant("seek"), fc.nat(LAST)),
      fc.tuple(fc.constant("step"), fc.integer({ min: 1, max: 90 })),
      fc.tuple(fc.constant("back"), fc.integer({ min: 1, max: 90 })),
    );
    fc.assert(
      fc.property(fc.array(move, { maxLength: 6 }), (moves) => {
        for (const [kind, by] of moves) {
          const from = timeline.event;
          if (kind === "seek") timeline.seekEvent(by);
          else if (kind === "step") timeline.step(by);
          else timeline.reverseStep(by);
          const to = kind === "seek" ? by : kind === "step" ? from + by : from - by;
          expect(timeline.event).toBe(Math.max(0, Math.min(LAST, to)));
          expect(rootOf(timeline)).toBe(straight[timeline.event]);
        }
      }),
      { seed: 1, numRuns: 120 },
    );
    expect(timeline.world.gate.counts().fresh).toBe(0);
  });

  it("goes to a time: after all events up to it", () => {
    const timeline = new Timeline(run, builder);
    for (const timeNs of [0, 9, 10, 5_000, 333_333, 20, 700_000, 40]) {
      timeline.seekTime(timeNs);
      const again = builder.build({ seed: 5 });
      again.run({ untilNs: timeNs });
      expect(timeline.event).toBe(again.eventCount);
      expect(rootOf(timeline)).toBe(straight[again.eventCount]);
    }
  });

  it("finds the next and the last event at which something holds", () => {
    const timeline = new Timeline(run, builder);
    const total = (at: World): number => (at.named("walker-2").volatile as { total: number }).total;
    const again = builder.build({ seed: 5 });
    const totals = straight.map((_, event) => {
      again.run({ untilEvent: event });
      return total(again);
    });
    for (const limit of [1, 5_000, 40_000]) {
      timeline.seekEvent(0);
      const first = totals.findIndex((each) => each >= limit);
      expect(timeline.runUntil((at) => total(at) >= limit)).toBe(first > 0);
      expect(timeline.event).toBe(first);
      timeline.seekEvent(LAST);
      expect(timeline.reverseUntil((at) => total(at) < limit)).toBe(true);
      expect(timeline.event).toBe(totals.findLastIndex((each) => each < limit));
    }
    timeline.seekEvent(50);
    expect(timeline.reverseUntil(() => false)).toBe(false);
  });

  it("tells why a field has its value: the event that changed it last, and its causes", () => {
    const timeline = new Timeline(run, builder);
    timeline.seekEvent(LAST - 5);
    const changes = finish(whyChanged(timeline, "/walker-1/volatile/steps", 3));
    expect(changes.map(({ after }, i) => (after as number) + i)).toEqual([
      changes[0]!.after,
      changes[0]!.after,
      changes[0]!.after,
    ]);
    const [{ change, causes }] = changes as [(typeof changes)[0]];
    expect(change).toMatchObject({ entity: "walker-1", handler: "walker.step" });
    expect(causes[0]!.event).toBe(change.cause);
    expect(changes[1]!.change.event).toBe(change.cause);
  });
});

describe("two runs", () => {
  it("first differ at the event that looking at every event finds", async () => {
    const variant = changingBuilder("altering-draw");
    const other = await recordInMemory(variant, { seed: 5 });
    const a = new Timeline(run, builder);
    const b = new Timeline(runIn(other.bytes), variant);
    const volatileOf = (at: World): string =>
      JSON.stringify([...at.entities()].map((each) => each.volatile));
    const left = builder.build({ seed: 5 });
    const right = variant.build({ seed: 5 });
    let first = 0;
    while (volatileOf(left) === volatileOf(right)) {
      first++;
      left.run({ untilEvent: first });
      right.run({ untilEvent: first });
    }
    const found = finish(diffTraces(a, b));
    expect(found.event).toBe(first);
    expect(found.entity).toBe("walker-" + /walker-(\d)/.exec(found.differences[0]!.path)![1]);
    expect(found.differences[0]!.path).toMatch(/\/volatile\/last$/);
    expect(found.initial).toEqual([]);
  });

  it("that differ in a value from the start still differ first where something happens", async () => {
    const shifted = changingBuilder("as-kept", 5);
    const other = await recordInMemory(shifted, { seed: 5 });
    const found = finish(
      diffTraces(new Timeline(run, builder), new Timeline(runIn(other.bytes), shifted)),
    );
    expect(found.initial[0]!.path).toMatch(/^\/pending\/\d\/atNs$/);
    expect(found.event).toBeLessThan(5);
  });

  it("that are the same have no first difference", () => {
    const found = finish(diffTraces(new Timeline(run, builder), new Timeline(run, builder)));
    expect(found).toMatchObject({ event: undefined, initial: [] });
    expect(Object.keys(domainRoots(world))).toEqual(["street"]);
  });
});

describe("an old trace under changed code", () => {
  const kept = (name: string) =>
    runIn(fileURLToPath(new URL(`../samples/kept/${name}.orrery`, import.meta.url)));
  const replayKept = (variant: Variant) =>
    replay(kept(variant), changingBuilder(variant), { sameCode: false });

  it("with a new draw that changes nothing is verified; the draw is listed as new", () => {
    const result = replayKept("neutral-draw");
    expect(result).toMatchObject({ verified: true, divergence: undefined });
    expect(result.newDraws[0]).toMatchObject({ purpose: "spare", position: 0 });
    expect(result.draws.fresh).toBeGreaterThan(100);
  });

  it("with a new draw that alters state: the first differing field is named", () => {
    const result = replayKept("altering-draw");
    expect(result.verified).toBe(false);
    expect(result.divergence!.differences[0]!.path).toMatch(/^\/walker-\d\/volatile\/last$/);
  });

  it("with a changed distribution is verified: its results are in the log", () => {
    expect(replayKept("changed-distribution")).toMatchObject({ verified: true, newDraws: [] });
  });

  it("with new handlers is verified, and stands where it did at any event", () => {
    const newer = changingBuilder("new-handlers");
    expect(replay(run, newer, { sameCode: false })).toMatchObject({ verified: true, newDraws: [] });
    for (const { event } of run.snapshots) {
      const timeline = new Timeline(run, newer);
      timeline.seekEvent(event + 5);
      expect(rootOf(timeline)).toBe(straight[event + 5]);
    }
  });
});

describe("a trace that was cut", () => {
  it("replays up to its last whole epoch, at whatever length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: bytes.length - 1 }), (length) => {
        let part;
        try {
          part = runIn(bytes.subarray(0, length));
        } catch {
          return;
        }
        const result = replay(part, builder, { sameCode: true });
        expect(result.divergence).toBe(undefined);
        // The epoch that the end of the run made is only known to be one with its `end` chunk.
        expect(result.epochsVerified).toBeGreaterThanOrEqual(part.epochs.length - 1);
        expect(result.world.eventCount).toBe(part.lastEvent);
        const timeline = new Timeline(part, builder);
        timeline.seekEvent(part.lastEvent);
        expect(rootOf(timeline)).toBe(straight[part.lastEvent]);
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});
