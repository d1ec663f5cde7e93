import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DrawSource, Gate, type GateOptions } from "./gate.ts";
import { SamplerCache } from "./random/distributions/distribution.ts";
import { exponential, uniform } from "./random/index.ts";

const samplers = new SamplerCache();
const DISTRIBUTIONS = [uniform(6), uniform(1_000_000_007), exponential(5_000)];

type Draw = readonly [entity: number, purpose: number];

function draw(gate: Gate, [entity, purpose]: Draw): number {
  const sampler = samplers.samplerOf(DISTRIBUTIONS[purpose]!);
  return gate.stream(`e${entity}`, `p${purpose}`).draw(sampler);
}

/** Everything drawn, by stream; also a log that a gate can replay. */
class Log implements DrawSource {
  readonly byName = new Map<string, number[]>();
  readonly all: number[] = [];
  readonly gate: Gate;

  constructor(options: GateOptions, draws: readonly Draw[]) {
    const sink = (streams: Uint32Array, results: Float64Array): void => {
      streams.forEach((stream, i) => {
        const { entity, purpose } = this.gate.streamName(stream);
        const key = `${entity}\n${purpose}`;
        this.byName.set(key, [...(this.byName.get(key) ?? []), results[i]!]);
        this.all.push(results[i]!);
      });
    };
    this.gate = new Gate({ ...options, sink });
    for (const each of draws) draw(this.gate, each);
    this.gate.flush();
  }

  at(entity: string, purpose: string, position: number): number | undefined {
    return this.byName.get(`${entity}\n${purpose}`)?.[position];
  }
}

const drawList = fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 60 });

describe("the gate", () => {
  it("gives a stream the same results whatever other streams do", () => {
    fc.assert(
      fc.property(drawList, drawList, fc.nat(), (draws, others, seed) => {
        const alone = new Log({ seed }, draws);
        const mixed = new Log(
          { seed },
          [...others, ...draws].sort((a, b) => a[0] - b[0]),
        );
        for (const [key, results] of alone.byName) {
          expect(mixed.byName.get(key)!.slice(0, results.length)).toEqual(results);
        }
      }),
      { seed: 11, numRuns: 100 },
    );
  });

  it("replays a log under any seed: same results, same hash, nothing new", () => {
    fc.assert(
      fc.property(drawList, fc.nat(), fc.nat(), (draws, seed, otherSeed) => {
        const recorded = new Log({ seed }, draws);
        const again = new Log({ seed: otherSeed, replay: recorded }, draws);
        expect(again.all).toEqual(recorded.all);
        expect(again.gate.drawHash()).toBe(recorded.gate.drawHash());
        const { fromLog, fresh, fromSeed } = again.gate.counts();
        expect([fromLog, fresh, fromSeed]).toEqual([draws.length, 0, 0]);
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  it("lists what a log does not hold as new, and samples it", () => {
    const recorded = new Log({ seed: 1 }, [
      [0, 0],
      [1, 1],
    ]);
    const fresh: string[] = [];
    const onNew = (entity: string, purpose: string, position: number): void =>
      void fresh.push(`${entity} ${purpose} ${position}`);
    const draws: Draw[] = [
      [0, 0],
      [2, 1],
      [0, 0],
      [1, 1],
    ];
    const again = new Log({ seed: 1, replay: recorded, onNew }, draws);
    expect(fresh).toEqual(["e2 p1 0", "e0 p0 1"]);
    expect([again.all[0], again.all[3]]).toEqual(recorded.all);
  });

  it("takes what a chooser gives, and chance where it gives nothing", () => {
    const free = new Log({ seed: 5 }, [
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    const steer = ({ position }: { position: number }) => (position === 1 ? 42 : undefined);
    const steered = new Log({ seed: 5, steer }, [
      [0, 1],
      [0, 1],
      [0, 1],
    ]);
    expect(steered.all).toEqual([free.all[0], 42, free.all[1]]);
    expect(steered.gate.drawHash()).not.toBe(free.gate.drawHash());
  });

  it("starts streams from the operating system where told to", () => {
    const entropy = () => [1, 2, 3, 4] as const;
    const a = new Log({ seed: 1, entropy }, [[0, 1]]);
    const b = new Log({ seed: 2, entropy }, [[0, 1]]);
    expect(a.all).toEqual(b.all);
  });

  it("has one hash however it is flushed, captured and restored, over many blocks", () => {
    const total = 70_000;
    const at = (i: number): Draw => [i % 3, i % 2];
    const plain = new Gate({ seed: 9 });
    for (let i = 0; i < total; i++) draw(plain, at(i));
    fc.assert(
      fc.property(fc.array(fc.nat(total - 1), { maxLength: 5 }), fc.nat(3_000), (stops, back) => {
        const gate = new Gate({ seed: 9, sink: () => {} });
        const marks = new Set(stops);
        for (let i = 0; i < total; i++) {
          if (marks.has(i)) {
            const image = gate.capture();
            for (let j = i; j < i + back; j++) draw(gate, at(j + 1));
            gate.flush();
            gate.restore(image);
          }
          draw(gate, at(i));
        }
        expect(gate.drawHash()).toBe(plain.drawHash());
      }),
      { seed: 13, numRuns: 6 },
    );
  });

  it("goes back to an image after another history of the same length", () => {
    let chosen = 0;
    const gate = new Gate({ seed: 3, steer: () => chosen });
    const start = gate.capture();
    for (let i = 0; i < 1_500; i++) draw(gate, [0, 0]);
    const image = gate.capture();
    const hash = gate.drawHash();
    gate.restore(start);
    chosen = 1;
    for (let i = 0; i < 1_500; i++) draw(gate, [0, 0]);
    expect(gate.drawHash()).not.toBe(hash);
    gate.restore(image);
    expect(gate.drawHash()).toBe(hash);
  });

  it("forgets streams that an image did not have, and opens them as if new", () => {
    const gate = new Gate({ seed: 3 });
    draw(gate, [0, 0]);
    const image = gate.capture();
    const first = [draw(gate, [1, 1]), draw(gate, [0, 0])];
    gate.restore(structuredClone(image));
    expect(gate.streamCount).toBe(1);
    expect([draw(gate, [1, 1]), draw(gate, [0, 0])]).toEqual(first);
  });
});
