import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { component, type Entity, type MetricPoint, World } from "./index.ts";
import { viewPath } from "./view.ts";

const gauge = component({
  kind: "gauge",
  volatile: () => ({ a: { "x/y": [1, 2] } }),
  handlers: {},
});

function world(): {
  readonly world: World;
  readonly entity: Entity;
  readonly points: MetricPoint[];
} {
  const points: MetricPoint[] = [];
  const made = new World({ gate: { seed: 1 } });
  made.hooks.onNotice = ({ kind, data }) => {
    if (kind === "metric") points.push(data as unknown as MetricPoint);
  };
  const entity = made.spawn(gauge, {}, { domain: made.addDomain("d"), name: "rack/gauge" });
  return { world: made, entity: entity as unknown as Entity, points };
}

describe("metrics", () => {
  it("sum exactly, and put quantiles within 9 % of the true ones", () => {
    const samples = fc.array(
      fc.oneof(fc.nat(20), fc.nat(1_000_000), fc.nat(Number.MAX_SAFE_INTEGER)),
      {
        minLength: 1,
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(samples, (values) => {
        const { world: w, entity, points } = world();
        for (const value of values) entity.measure("v", value);
        w.metrics.emit(0, 10);
        w.metrics.emit(10, 20);
        const sorted = [...values].sort((a, b) => a - b);
        const rank = (q: number): number => sorted[Math.ceil(q * sorted.length) - 1]!;
        expect(points.length).toBe(1);
        const { count, min, max, sum, p50, p99 } = points[0]!;
        expect([count, min, max]).toEqual([values.length, sorted[0], sorted.at(-1)]);
        expect(sum).toBe(values.reduce((total, value) => total + value, 0));
        for (const [got, q] of [
          [p50, 0.5],
          [p99, 0.99],
        ] as const) {
          expect(Math.abs(got - rank(q))).toBeLessThanOrEqual(0.09 * rank(q) + 0.5);
        }
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});

describe("a path", () => {
  it("leads to any field, through names and members that hold slashes", () => {
    const { world: w } = world();
    const value = (path: string) => {
      const viewed = viewPath(w, path);
      return viewed.ok ? viewed.value : viewed.message;
    };
    expect(value("/rack/gauge/volatile/a/x~1y/1")).toBe(2);
    expect(value("/domains/d/up")).toBe(true);
    expect(value("/world/events")).toBe(0);
    expect(value("/rack/gauge/volatile/b")).toBe("/rack/gauge/volatile has no member b");
    expect(value("/rack/gauge/volatile/a/__proto__")).toContain("has no member");
    expect(value("/nobody")).toContain("no entity");
  });
});
