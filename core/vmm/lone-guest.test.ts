/** A guest built again alone puts out what it put out in its world. */
import { describe, expect, it } from "vitest";
import { MS } from "../kernel/index.ts";
import { guestKinds } from "../guest/index.ts";
import { type BoundaryEntry, LoneGuest, type LoneResult, outputHashes } from "./index.ts";
import { inputs, kindsForTests, smallWorld, specOf } from "./testing/small-world.ts";

const kinds = guestKinds(kindsForTests);

function recorded(kind: "capture" | "workload") {
  const draws = new Map<string, number[]>();
  const built = smallWorld({
    kind,
    log: (entity, purpose, result) => {
      const key = `${entity}\n${purpose}`;
      draws.set(key, [...(draws.get(key) ?? []), result]);
    },
  });
  const { world, hosts, records, start, boundary } = built;
  start(records[0]!, 0);
  start(records[1]!, 0);
  world.run({ untilNs: 25 * MS });
  world.crash(hosts[0]!, "power");
  world.restart(hosts[0]!);
  start(records[0]!, 1);
  world.run({ untilNs: 80 * MS });
  world.finish();
  const entries = boundary.filter(({ vm }) => vm === "db");
  const source = {
    at: (entity: string, purpose: string, position: number) =>
      draws.get(`${entity}\n${purpose}`)?.[position],
  };
  return { entries, source, outputs: outputHashes(world)["db"]! };
}

const replay = (
  kind: "capture" | "workload",
  entries: readonly BoundaryEntry[],
  draws: { at: (entity: string, purpose: string, position: number) => number | undefined },
  seed?: number,
): LoneResult => {
  const parts = { spec: specOf("db", kind, 1), kinds, inputs, draws };
  return new LoneGuest(seed === undefined ? parts : { ...parts, seed }).replay(entries);
};

describe.each(["capture", "workload"] as const)("a lone %s", (kind) => {
  const { entries, source, outputs } = recorded(kind);

  it("puts out the same, from recorded draws and from the seed", () => {
    const expected = { ok: true, steps: entries.length, outputs };
    expect(replay(kind, entries, source)).toEqual(expected);
    expect(replay(kind, entries, { at: () => undefined }, 1)).toEqual(expected);
  });

  it("has reads of its own writes as references", () => {
    const reads = entries.filter(
      ({ input }) => input.kind === "block-done" && input.ok && input.runs !== undefined,
    );
    const literal = reads.filter(({ input }) => "runs" in input && input.runs !== "as-written");
    expect(reads.length).toBeGreaterThan(20);
    expect(literal.length).toBeLessThan(reads.length / 4);
  });

  it("canary: a changed, missing or undrawn entry is noticed", () => {
    const answered = entries.findIndex(({ input }) => input.kind === "block-done" && input.ok);
    const flipped = entries.with(answered, {
      ...entries[answered]!,
      input: { kind: "block-done", id: 1, ok: false, code: "io-error" },
    });
    expect(replay(kind, flipped, source)).not.toMatchObject({ ok: true, outputs });
    const cut = entries.filter((_, index) => index !== 20);
    expect(replay(kind, cut, source)).toMatchObject({ ok: false, code: "gap", step: 20 });
    if (kind === "capture") return;
    const undrawn = replay(kind, entries, { at: () => undefined });
    expect(undrawn).toMatchObject({ ok: false, code: "missing-draw" });
  });
});
