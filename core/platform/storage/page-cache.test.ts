/** What memory in front of a device must do when a request passes another, or fails below. */
import { describe, expect, it } from "vitest";
import { component, type EntityId, type Reply, type Request } from "../../kernel/index.ts";
import { answer, type BlockOutcome, type BlockRequest } from "./block.ts";
import { newWorld, newClient, answersOf, askAt, stampRun } from "./testing/bench.ts";
import { spawnDisk } from "./disk.ts";
import { spawnPageCache } from "./page-cache.ts";
import { spawnPagePool } from "./page-pool.ts";
import { stampsOf } from "./testing/journal.ts";
import { MEDIUM, SECTORS } from "./testing/stacks.ts";

/**
 * Between memory and disk: what was read is on its way for long, as over a network, and is of the
 * moment it was read. What changes the disk is answered sooner.
 */
type Couriers = { readonly next: number; readonly sent: { readonly [tag: string]: Request } };
type Carried = { readonly request: Request; readonly reply: Reply };

const courier = component<
  { readonly lower: EntityId; readonly readNs: number },
  Record<never, never>,
  Couriers
>({
  kind: "courier",
  volatile: () => ({ next: 0, sent: {} }),
  handlers: {
    io(self, request: Request & { readonly body: BlockRequest }) {
      const tag = self.volatile.next;
      self.edit().next++;
      (self.edit().sent as { [tag: string]: Request })[tag] = request;
      self.ask(self.config.lower, "io", request.body, { then: "came", tag });
    },
    came(self, reply: Reply) {
      const request = self.volatile.sent[reply.tag as number]!;
      const { op } = request.body as unknown as BlockRequest;
      self.after(op === "read" ? self.config.readNs : 0, "hand", { request, reply });
    },
    hand: (self, { request, reply }: Carried) => answer(self, request, reply as BlockOutcome),
  },
});

const SECTOR = { sector: 8, sectors: 8 };
const WRITE = { op: "write", ...SECTOR, runs: [stampRun(1_000, 8)] } as const;

/** A disk that is far away, and memory before it. */
function build() {
  const world = newWorld();
  const host = world.addDomain("host");
  const client = newClient(world, host);
  const times = { readNs: 50_000, writeNs: 50_000, flushNs: 50_000 };
  const disk = spawnDisk(world, client as never, { ...MEDIUM, ...times, sectors: SECTORS });
  const away = world.spawn(
    courier,
    { lower: disk.id, readNs: 3_000_000 },
    { domain: host, name: "courier" },
  );
  const pool = spawnPagePool(world, client as never, { sizeBytes: 64 * 4_096 });
  const options = { mode: "writeback", lower: away.id, pool, sectors: SECTORS } as const;
  const top = spawnPageCache(world, client as never, options);
  let tag = 0;
  const ask = (body: object, delayNs = 0): number => {
    askAt(client, delayNs, top, ++tag, body);
    return tag;
  };
  const answered = (to: number) => answersOf(client).find((each) => each.tag === to)!;
  const emptyMemory = (): void => {
    world.crash(host, "test");
    world.restart(host);
  };
  const read = () => {
    const asked = ask({ op: "read", ...SECTOR });
    world.run();
    return stampsOf(answered(asked).runs!);
  };
  return { world, disk, ask, answered, read, emptyMemory };
}

describe("a page cache", () => {
  it("does not keep what a read brings that a discard has passed", () => {
    const { world, ask, answered, read, emptyMemory } = build();
    ask(WRITE);
    world.run();
    ask({ op: "flush" });
    world.run();
    emptyMemory();
    const passed = ask({ op: "read", ...SECTOR });
    const discard = ask({ op: "discard", ...SECTOR }, 100_000);
    world.run();
    expect(answered(discard).atNs).toBeLessThan(answered(passed).atNs);
    expect(read()).toEqual(new Array(8).fill(0));
  });

  it("fails a flush whose writes failed below, and keeps them for the next", () => {
    const { world, disk, ask, answered, read, emptyMemory } = build();
    disk.editDurable().armed.noSpace = true;
    ask(WRITE);
    const first = ask({ op: "flush" }, 1_000_000);
    world.run({ untilNs: 100_000_000 });
    expect(answered(first)).toMatchObject({ ok: false, code: "no-space" });
    disk.editDurable().armed.noSpace = false;
    const second = ask({ op: "flush" });
    world.run();
    expect(answered(second).ok).toBe(true);
    emptyMemory();
    expect(read()).toEqual([1_000, 1_001, 1_002, 1_003, 1_004, 1_005, 1_006, 1_007]);
  });
});
