/** The verbs that work on traces, each through the real command function. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { viewPath } from "../../core/kernel/index.ts";
import { openRecordedRun } from "../../scenarios/index.ts";
import { chunkKinds, type ChunkRef, rewriteTrace, Timeline } from "../../traces/index.ts";
import { EXIT } from "../exit-codes.ts";
import { asJson, orrery } from "../testing/command.ts";
import { smallScenario as scenario } from "../testing/small-scenario.ts";

let folder = "";
const at = (name: string): string => join(folder, name);
const trace = (): string => at("small.orrery");

const run = (out: string, ...more: string[]): Promise<{ code: number; stderr: string }> =>
  orrery(["run", at("small.json"), "-o", at(out), ...more]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-verbs-"));
  writeFileSync(at("small.json"), JSON.stringify(scenario));
  const ran = await run("small.orrery");
  expect([ran.code, ran.stderr]).toEqual([EXIT.fine, ""]);
  await run("later.orrery", "--set", "/timeline/snap/atMs=250");
  await run("seed.orrery", "--log", "seed");
  await run("tiny.orrery", "--until", "3ms");
});
afterAll(() => rm(folder, { recursive: true }));

describe("replay", () => {
  test.each([
    ["small.orrery", "fromLog"],
    ["seed.orrery", "fromSeed"],
  ])("%s is verified, with every value %s", async (name, source) => {
    const { code, value } = await asJson(["replay", at(name)]);
    const { total, ...sources } = value["draws"] as { [name: string]: number };
    expect([code, value["verified"], value["status"]]).toEqual([EXIT.fine, true, "whole"]);
    expect(value["epochsVerified"]).toBe(value["epochs"]);
    expect(value["root"]).toBe(value["recordedRoot"]);
    const expected = { fromLog: 0, fromSeed: 0, new: 0, [source]: total };
    expect([total! > 100, sources]).toEqual([true, expected]);
  });

  test.each(["small.orrery", "seed.orrery"])(
    "%s: a guest alone puts out the same",
    async (name) => {
      const { code, value } = await asJson(["replay", at(name), "--vm", "db"]);
      expect([code, value["verified"], value["divergence"]]).toEqual([EXIT.fine, true, null]);
      expect(value["epochsVerified"]).toBe(value["epochs"]);
      expect(value["steps"]).toBeGreaterThan(100);
    },
  );

  test("a guest alone needs no draw of the world", async () => {
    const isOthers = ({ kind, meta }: ChunkRef): boolean =>
      kind === chunkKinds.draws && meta["owner"] !== "db";
    const without = rewriteTrace(readFileSync(trace()), (chunk) => !isOthers(chunk));
    writeFileSync(at("alone.orrery"), without);
    const { code, value } = await asJson(["replay", at("alone.orrery"), "--vm", "db"]);
    expect([code, value["verified"], value["status"]]).toEqual([EXIT.fine, true, "whole"]);
    expect((await orrery(["replay", at("alone.orrery")])).code).toBe(EXIT.divergence);
  });

  test("stops at a time; an unknown VM is wrong usage", async () => {
    const { value } = await asJson(["replay", trace(), "--until", "100ms"]);
    expect([value["verified"], value["recordedRoot"]]).toEqual([true, null]);
    expect(value["simulatedNs"]).toBeLessThanOrEqual(100_000_000);
    const { code, stderr } = await orrery(["replay", trace(), "--vm", "dbx"]);
    expect([code, stderr]).toEqual([EXIT.usage, "orrery: no VM is named dbx (one of db)\n"]);
  });

  test("Ctrl-C ends it with 130", async () => {
    const stop = new AbortController();
    stop.abort();
    for (const words of [
      ["replay", trace()],
      ["diff", trace(), at("later.orrery")],
      ["why", trace(), "/db/durable/power"],
    ]) {
      const { code } = await orrery(words, { signal: stop.signal });
      expect([words[0], code]).toEqual([words[0], EXIT.interrupted]);
    }
  });

  test("a recorded violation is faithfully replayed and printed", async () => {
    const wrong = [{ vm: "db", state: "off" }];
    writeFileSync(at("bad.json"), JSON.stringify({ ...scenario, expect: wrong }));
    const ran = await orrery(["run", at("bad.json"), "-o", at("bad.orrery")]);
    expect([ran.code, ran.stderr]).toEqual([EXIT.violation, ""]);
    const { code, stdout } = await orrery(["replay", at("bad.orrery")]);
    expect([code, stdout]).toEqual([
      EXIT.fine,
      expect.stringMatching(/^verified[^]*recorded viol/),
    ]);
  });
});

describe("looking into a trace", () => {
  test("log lists events in order, filtered, bounded", async () => {
    const all = (await orrery(["log", trace(), "--to", "50ms"])).stdout.trimEnd().split("\n");
    const numbers = all.map((line) => Number(line.split(" ")[0]));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.at(-1));
    const { value } = await asJson(["log", trace(), "--from", "200ms", "--kind", "phase"]);
    const events = value["events"] as { kind: string; timeNs: number; data: object }[];
    expect(events.length).toBeGreaterThan(3);
    expect(events.every(({ kind, timeNs }) => kind === "phase" && timeNs >= 2e8)).toBe(true);
    const few = (await asJson(["log", trace(), "--vm", "db", "--limit", "7"])).value;
    expect([(few["events"] as object[]).length, few["cut"]]).toEqual([7, true]);
    expect((await orrery(["log", trace(), "--from", "2s", "--to", "1s"])).code).toBe(EXIT.usage);
  });

  test("inspect shows a moment, and why names the event that made it so", async () => {
    const read = async (moment: string): Promise<unknown> =>
      (await asJson(["inspect", trace(), "/db/durable/power", "--at", moment])).value["value"];
    expect([await read("#1"), await read("100ms")]).toEqual(["off", "on"]);
    const { code, value } = await asJson(["why", trace(), "/db/durable/power"]);
    const [found] = value["changes"] as { change: { event: number }; causes: object[] }[];
    expect([code, found]).toMatchObject([EXIT.fine, { before: "off", after: "on" }]);
    expect(found!.causes.length).toBeGreaterThan(0);
    const { event } = found!.change;
    expect([await read(`#${event - 1}`), await read(`#${event}`)]).toEqual(["off", "on"]);
  });

  test.each([
    [["inspect", "/dbb"], /nothing is named \/dbb; nearest: db\b/],
    [["inspect", "/db/durable/powr"], /\/db\/durable has no member powr; nearest: power\b/],
    [["why", "/db/durable/powr"], /nearest: power\b/],
  ])("%j is unknown: exit 2 with what is near", async ([verb, path], message) => {
    const { code, stderr } = await orrery([verb!, trace(), path!]);
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringMatching(message)]);
  });

  test("diff: none with itself; the first field that another timeline changes", async () => {
    expect((await asJson(["diff", trace(), trace()])).value["equal"]).toBe(true);
    const { code, value } = await asJson(["diff", trace(), at("later.orrery")]);
    expect([code, value["equal"]]).toEqual([EXIT.violation, false]);
    expect(JSON.stringify(value["initial"])).toContain("/timeline/0/atMs");
    const event = value["event"] as number;
    const [{ path }] = value["differences"] as [{ path: string }];
    const value2 = async (name: string, moment: number): Promise<string> =>
      (await orrery(["inspect", at(name), path, "--at", `#${moment}`])).stdout;
    expect(await value2("small.orrery", event)).not.toBe(await value2("later.orrery", event));
    expect(await value2("small.orrery", event - 1)).toBe(await value2("later.orrery", event - 1));
  });
});

/** First event after which an entity of the datacenter differs, and which: every event is looked at. */
async function firstDifference(one: string, other: string): Promise<[number, string]> {
  const timelines = await Promise.all(
    [one, other].map(async (name) => {
      const opened = await openRecordedRun(readFileSync(at(name)));
      if (!opened.ok) throw new Error(opened.message);
      return new Timeline(opened.run, opened.builder);
    }),
  );
  const [left, right] = timelines as [Timeline, Timeline];
  const look = ({ world }: Timeline): Map<string, string> => {
    const viewed = viewPath(world, "");
    const { entities } = (viewed.ok ? viewed.value : {}) as { entities: object };
    const names = Object.keys(entities).filter((name) => name !== "driver");
    return new Map(names.map((name) => [name, JSON.stringify(viewPath(world, `/${name}`))]));
  };
  for (let event = 1; ; event++) {
    for (const each of [left, right]) each.seekEvent(event);
    const [a, b] = [look(left), look(right)];
    const names = [...new Set([...a.keys(), ...b.keys()])];
    const entity = names.find((name) => a.get(name) !== b.get(name));
    if (entity !== undefined) return [event, entity];
  }
}

test("diff of a changed timeline names the event and entity that looking at each event finds", async () => {
  const { value } = await asJson(["diff", trace(), at("later.orrery")]);
  const [event, entity] = await firstDifference("small.orrery", "later.orrery");
  const [{ path }] = value["differences"] as [{ path: string }];
  expect([value["event"], value["entity"]]).toEqual([event, entity]);
  expect(path.startsWith(`/${entity}/`)).toBe(true);
}, 60_000);

describe("export", () => {
  test.each(["raw", "qcow2", "vmdk"])("a disk as %s holds what the guest wrote", async (format) => {
    const out = at(`data.${format}`);
    const { code, value } = await asJson(["export", trace(), out, "--disk", "db:data"]);
    expect([code, value["sectors"]]).toEqual([EXIT.fine, 131_072]);
    expect(readFileSync(out).some((byte) => byte !== 0)).toBe(true);
    rmSync(out);
  });

  test("metrics and a timeline", async () => {
    expect((await orrery(["export", trace(), at("m.csv"), "--csv"])).code).toBe(EXIT.fine);
    expect(readFileSync(at("m.csv"), "utf8").split("\r\n")[0]).toMatch(/^entity,series,fromNs/);
    expect((await orrery(["export", trace(), at("p.json"), "--perfetto"])).code).toBe(EXIT.fine);
    const { traceEvents } = JSON.parse(readFileSync(at("p.json"), "utf8"));
    expect(traceEvents).toContainEqual(expect.objectContaining({ ph: "X", name: "snapshot snap" }));
  });

  test.each([
    [["d.vhd", "--disk", "db:data"], EXIT.usage],
    [["d.raw", "--disk", "db:dat"], EXIT.usage],
    [["d.raw"], EXIT.usage],
    [["d.csv", "--csv", "--at", "1s"], EXIT.usage],
    [["no/such/folder/d.raw", "--disk", "db:data"], EXIT.environment],
    [["no/such/folder/d.csv", "--csv"], EXIT.environment],
  ])("%j: exit %i", async ([file, ...more], expected) => {
    expect((await orrery(["export", trace(), at(file!), ...more])).code).toBe(expected);
  });
});

describe("what is wrong with a file", () => {
  test("no file, no trace, a moment beyond the end: exit 2 and one line", async () => {
    writeFileSync(at("text.orrery"), "no trace at all, but long enough to look into");
    for (const words of [
      ["replay", at("nothing.orrery")],
      ["replay", at("text.orrery")],
      ["inspect", at("text.orrery")],
      ["inspect", trace(), "--at", "#99999999"],
      ["diff", trace(), at("nothing.orrery")],
    ]) {
      const { code, stderr } = await orrery(words);
      expect([words, code, stderr.trimEnd().split("\n").length]).toEqual([words, EXIT.usage, 1]);
    }
  });

  const damaged = fc.record({
    how: fc.constantFrom("cut" as const, "flip" as const),
    place: fc.integer({ min: 0, max: 1_000_000 }),
    bit: fc.integer({ min: 0, max: 7 }),
    verb: fc.constantFrom(["replay"], ["replay", "--vm", "db"], ["inspect"], ["log"]),
  });

  test("drawn damage never crashes a verb, and never passes for a whole trace", async () => {
    const whole = readFileSync(at("tiny.orrery"));
    const file = at("damaged.orrery");
    const codes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(damaged, async ({ how, place, bit, verb }) => {
        const byte = Math.floor((place / 1_000_001) * whole.length);
        const bytes = how === "cut" ? whole.subarray(0, byte) : Buffer.from(whole);
        if (how === "flip") bytes[byte]! ^= 1 << bit;
        writeFileSync(file, bytes);
        const [name = "", ...options] = verb;
        const { code, stderr } = await orrery([name, file, ...options]);
        codes.add(code);
        expect(stderr).not.toContain("internal error");
        expect([EXIT.damaged, EXIT.usage]).toContain(code);
      }),
      { numRuns: 50, seed: 20 },
    );
    expect(codes).toContain(EXIT.damaged);
  });

  test("canary: the same bytes, undamaged, are verified", async () => {
    copyFileSync(at("tiny.orrery"), at("copy.orrery"));
    expect((await orrery(["replay", at("copy.orrery")])).code).toBe(EXIT.fine);
  });
});

function have(tool: string): boolean {
  try {
    execFileSync(tool, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!have("qemu-img"))("exported disks (needs qemu-utils)", () => {
  test("qemu-img finds the same content in every format", async () => {
    for (const format of ["raw", "qcow2", "vmdk"]) {
      await orrery(["export", trace(), at(`same.${format}`), "--disk", "db:data", "--at", "300ms"]);
    }
    for (const format of ["qcow2", "vmdk"]) {
      const words = ["compare", "-f", "raw", "-F", format, at("same.raw"), at(`same.${format}`)];
      expect(execFileSync("qemu-img", words, { encoding: "utf8" })).toContain("identical");
    }
  });
});
