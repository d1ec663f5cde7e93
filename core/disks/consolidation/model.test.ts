/**
 * Random histories of a disk against a plain model: an array of sectors for the disk and one for
 * each point in time. Snapshots and consolidations by every method, writes and discards between
 * them and while they run; after each step everything is read back.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import {
  component,
  type ContentRun,
  type Plain,
  type PlainObject,
  type Reply,
  startOperation,
} from "../../kernel/index.ts";
import { snapshot } from "../snapshot/snapshot.ts";
import { configurationOf, diskBench, type DiskBench } from "../testing/disk-bench.ts";
import { blockMergeConsolidate } from "./block-merge.ts";
import { consolidate } from "./consolidate.ts";
import { iterativeConsolidate } from "./iterative.ts";

const SECTORS = 160;

type State = { readonly replies: { readonly [tag: string]: Plain } };

type Config = { readonly instance: number };

/** Sends nothing while the VM is stunned, as its guest would. */
const client = component<Config, PlainObject, State>({
  kind: "test-client",
  volatile: () => ({ replies: {} }),
  handlers: {
    send: (self, arg: { to: number; body: Plain; tag: number }) => {
      const { stuns } = self.world.entity(self.config.instance).volatile as { stuns: number };
      if (stuns > 0) return void self.after(10_000, "send", arg);
      self.ask(arg.to, "io", arg.body, { then: "done", tag: arg.tag });
    },
    done: (self, reply: Reply) => {
      self.edit().replies[reply.tag as number] = reply as never;
    },
  },
});

type Step =
  | ({ readonly do: "write" } & Range)
  | ({ readonly do: "discard" } & Range)
  | { readonly do: "snapshot" }
  | {
      readonly do: "merge";
      readonly which: number;
      readonly method: number;
      readonly writes: readonly Range[];
    };

type Range = { readonly sector: number; readonly sectors: number; readonly gapNs: number };

const range = fc.record({
  sector: fc.nat(SECTORS - 20),
  sectors: fc.integer({ min: 1, max: 20 }),
  gapNs: fc.nat(250_000),
});

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: range.map((each): Step => ({ do: "write", ...each })) },
    { weight: 1, arbitrary: range.map((each): Step => ({ do: "discard", ...each })) },
    { weight: 2, arbitrary: fc.constant<Step>({ do: "snapshot" }) },
    {
      weight: 2,
      arbitrary: fc
        .record({ which: fc.nat(9), method: fc.nat(2), writes: fc.array(range, { maxLength: 6 }) })
        .map((each): Step => ({ do: "merge", ...each })),
    },
  ),
  { minLength: 4, maxLength: 22 },
);

const METHODS = [consolidate, iterativeConsolidate, blockMergeConsolidate];

class Run {
  readonly bench: DiskBench;
  readonly #client;
  #tag = 0;
  #stamp = 1;
  #ended = "";
  current = new Array<number>(SECTORS).fill(0);
  readonly points = new Map<string, number[]>();

  constructor(seed: number) {
    this.bench = diskBench({ seed, sectors: SECTORS, layers: [] });
    const { world, host } = this.bench;
    this.#client = world.spawn(client, { instance: this.bench.instance.id }, { creator: host });
    world.hooks.onNotice = ({ kind, data }) => {
      if (kind === "operation-end" && data["id"] === "op") this.#ended = data["outcome"] as string;
    };
  }

  send(body: Plain, delayNs = 0): number {
    const tag = ++this.#tag;
    this.#client.after(delayNs, "send", { to: this.bench.disk.id, body, tag });
    return tag;
  }

  answer(tag: number): Reply {
    const { world } = this.bench;
    for (let events = 0; this.#client.volatile.replies[tag] === undefined; events++) {
      expect(events).toBeLessThan(10_000);
      world.run({ untilEvent: world.eventCount + 1 });
    }
    const reply = this.#client.volatile.replies[tag] as unknown as Reply;
    expect(reply.ok).toBe(true);
    return reply;
  }

  write({ sector, sectors }: { sector: number; sectors: number }, delayNs = 0): number {
    const stamp = this.#stamp;
    this.#stamp += sectors;
    for (let i = 0; i < sectors; i++) this.current[sector + i] = stamp + i;
    const runs: ContentRun[] = [{ kind: "stamp", sectors, stamp }];
    return this.send({ op: "write", sector, sectors, runs }, delayNs);
  }

  read(body: PlainObject): number[] {
    const { value } = this.answer(this.send({ ...body, sector: 0, sectors: SECTORS })) as {
      value: { runs: ContentRun[] };
    } & Reply;
    return value.runs.flatMap((run) =>
      Array.from({ length: run.sectors }, (_, i) => (run.kind === "stamp" ? run.stamp + i : 0)),
    );
  }

  operate(
    kind: (typeof METHODS)[number],
    params: PlainObject,
    writes: readonly Range[] = [],
  ): string {
    const { bench } = this;
    this.#ended = "";
    startOperation(bench.world, kind, bench.host, "op", { ...bench.params, ...params });
    // One after the other, so that the model knows which came last.
    for (const each of writes) {
      bench.world.run({ untilNs: bench.world.timeNs + each.gapNs });
      this.answer(this.write(each));
    }
    bench.world.run({ untilNs: bench.world.timeNs + 1_000_000_000 });
    return this.#ended;
  }

  check(): void {
    expect(this.read({ op: "read" })).toEqual(this.current);
    for (const { id, disks } of configurationOf(this.bench.array).pointsInTime) {
      const found = this.read({ op: "read-below", descriptor: disks["data"]! });
      expect(found).toEqual(this.points.get(id));
    }
  }
}

it("any history of snapshots, merges and writes reads like the model", () => {
  fc.assert(
    fc.property(fc.nat(100_000), steps, (seed, plan) => {
      const run = new Run(seed);
      let made = 0;
      for (const step of plan) {
        if (step.do === "write") run.answer(run.write(step));
        else if (step.do === "discard") {
          run.answer(run.send({ op: "discard", sector: step.sector, sectors: step.sectors }));
          run.current.fill(0, step.sector, step.sector + step.sectors);
        } else if (step.do === "snapshot") {
          const pointInTime = `p${++made}`;
          run.points.set(pointInTime, [...run.current]);
          expect(run.operate(snapshot, { pointInTime })).toBe("complete");
        } else {
          const kept = configurationOf(run.bench.array).pointsInTime;
          if (kept.length === 0) continue;
          const { id: pointInTime } = kept[step.which % kept.length]!;
          const params = { pointInTime, copySectors: 16, enoughSectors: 8, maxRounds: 2 };
          const method = METHODS[step.method]!;
          expect(run.operate(method, params, step.writes)).toBe("complete");
        }
        run.check();
      }
      const { array, world } = run.bench;
      const kept = configurationOf(array).pointsInTime.length;
      expect(Object.keys(array.durable.volumes)).toHaveLength(1 + kept);
      world.finish();
      expect(world.checker.violations).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 30_000);
