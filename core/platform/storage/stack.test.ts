/**
 * Every stack of layers against the plain model in testing/journal.ts: reads while it runs, content
 * after a crash at any event. Canaries: a lying flush and a lost write must be found out.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captureWorld, restoreWorld } from "../../kernel/index.ts";
import type { BlockRequest } from "./block.ts";
import type { InitiatorEntity } from "./initiator-state.ts";
import { storageInvariants } from "./invariants.ts";
import type { PageCacheEntity } from "./page-cache-state.ts";
import { type Answer, answersOf, askAt, stampRun } from "./testing/bench.ts";
import { type Asked, Journal, stampsOf } from "./testing/journal.ts";
import { buildStack, SECTORS, type Stack, type StackKind, STACKS } from "./testing/stacks.ts";

type Plan = {
  readonly seed: number;
  readonly ops: readonly {
    readonly op: "read" | "write" | "flush" | "discard";
    readonly gapUs: number;
    readonly sector: number;
    readonly sectors: number;
    readonly fua: boolean;
  }[];
  readonly crashAfter: number;
};

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(1_000_000),
  ops: fc.array(
    fc.record({
      op: fc.constantFrom("write", "write", "write", "read", "read", "flush", "discard"),
      gapUs: fc.oneof(fc.nat(50), fc.nat(1500)),
      sector: fc.oneof(fc.nat(24), fc.nat(SECTORS - 60)),
      sectors: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 60 })),
      fua: fc.nat(7).map((n) => n === 0),
    }),
    { minLength: 5, maxLength: 60 },
  ),
  crashAfter: fc.integer({ min: 1, max: 600 }),
}) as fc.Arbitrary<Plan>;

function ask(stack: Stack, plan: Plan): Asked[] {
  let atNs = stack.world.timeNs;
  return plan.ops.map((each, index): Asked => {
    atNs += each.gapUs * 1000;
    const { op, sector, sectors, fua } = each;
    const stamp = index % 9 === 8 ? 0 : 1000 * (index + 1);
    const request =
      op === "flush"
        ? { op }
        : op === "write"
          ? { op, sector, sectors, runs: [stampRun(stamp, sectors)], fua }
          : { op, sector, sectors };
    askAt(stack.client, atNs, stack.top, index + 1, request as BlockRequest);
    return { tag: index + 1, op, sector, sectors, stamp, fua: op === "write" && fua, atNs };
  });
}

const READ_ALL = 1_000_000;

function readAll(stack: Stack): number[] {
  const request = { op: "read", sector: 0, sectors: SECTORS } as const;
  askAt(stack.client, 0, stack.top, READ_ALL, request);
  stack.world.run();
  const found = answersOf(stack.client).findLast((each) => each.tag === READ_ALL)!;
  expect(found.ok).toBe(true);
  return stampsOf(found.runs!);
}

const before = (answers: readonly Answer[]) => answers.filter((each) => each.tag !== READ_ALL);

function crashRun(kind: StackKind, plan: Plan): string[] {
  const stack = buildStack(kind, plan.seed);
  const { world } = stack;
  world.addInvariants(storageInvariants);
  const asked = ask(stack, plan);
  world.run({ untilEvent: plan.crashAfter });
  const sent = asked.filter((each) => each.atNs <= world.timeNs);
  world.crash(stack.host, "test");
  world.restart(stack.host);
  const journal = new Journal(SECTORS, sent, answersOf(stack.client));
  const content = readAll(stack);
  expect(world.checker.violations).toEqual([]);
  expect(readAll(stack)).toEqual(content);
  return [...journal.wrongReads(), ...journal.wrongAfterCrash(content)];
}

describe.each(STACKS)("%s", (kind) => {
  it("answers reads as the model allows and ends as it says", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const stack = buildStack(kind, plan.seed);
        stack.world.addInvariants(storageInvariants);
        const asked = ask(stack, plan);
        expect(stack.world.run()).toBe("idle");
        expect(stack.world.checker.violations).toEqual([]);
        const answers = answersOf(stack.client);
        expect(answers.length).toBe(asked.length);
        const last = { op: "read", sector: 0, sectors: SECTORS, stamp: 0, fua: false } as const;
        const atNs = stack.world.timeNs + 1;
        stack.world.run();
        askAt(stack.client, 1, stack.top, READ_ALL, last);
        stack.world.run();
        const all = [...asked, { ...last, tag: READ_ALL, atNs }];
        expect(new Journal(SECTORS, all, answersOf(stack.client)).wrongReads()).toEqual([]);
        stack.world.finish();
        expect(stack.world.checker.violations).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps after a crash at any event what it must", () => {
    fc.assert(
      fc.property(plans, (plan) => {
        expect(crashRun(kind, plan)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it("goes on the same from an image taken at any event", () => {
    const plan = fc.sample(plans, { seed: 7, numRuns: 5 }).at(-1)!;
    const straight = buildStack(kind, plan.seed);
    ask(straight, plan);
    straight.world.run();
    const broken = buildStack(kind, plan.seed);
    ask(broken, plan);
    for (let event = 1; broken.world.run({ untilEvent: event }) === "event"; event++) {
      restoreWorld(broken.world, captureWorld(broken.world));
    }
    expect(broken.world.root()).toBe(straight.world.root());
  });
});

describe("crashes of the array below", () => {
  const kinds = STACKS.filter((kind) => kind.endsWith("array"));
  it.each([...kinds, "none over array" as const])(
    "are survived by %s: requests are sent again, over another path",
    (kind) => {
      fc.assert(
        fc.property(plans, fc.nat(400), fc.boolean(), (plan, cutAfter, cut) => {
          const stack = buildStack(kind, plan.seed);
          stack.world.addInvariants(storageInvariants);
          const asked = ask(stack, plan);
          stack.world.run({ untilEvent: plan.crashAfter });
          stack.world.crash(stack.array!, "test");
          stack.world.run({ untilNs: stack.world.timeNs + 900_000 });
          stack.world.restart(stack.array!);
          stack.world.run({ untilEvent: stack.world.eventCount + cutAfter });
          if (cut) stack.wires[0]!.editDurable().down = true;
          stack.world.run();
          const answers = before(answersOf(stack.client));
          expect(answers.filter((each) => !each.ok)).toEqual([]);
          expect(answers.length).toBe(asked.length);
          expect(new Journal(SECTORS, asked, answers).wrongReads()).toEqual([]);
          expect(loseAll(stack, asked)).toEqual([]);
          expect(stack.world.checker.violations).toEqual([]);
        }),
        { numRuns: 60 },
      );
    },
  );

  it("take flushed writes along when a host does not send again what they forgot (canary)", () => {
    let found = 0;
    for (const plan of fc.sample(plans, { seed: 5, numRuns: 60 })) {
      const stack = buildStack("none over array", plan.seed);
      const asked = ask(stack, plan);
      stack.world.run({ untilEvent: (plan.crashAfter % 150) + 1 });
      stack.world.crash(stack.array!, "test");
      stack.world.restart(stack.array!);
      const { lower } = (stack.top as PageCacheEntity).config;
      const { unflushed } = (stack.world.entity(lower) as unknown as InitiatorEntity).edit();
      if (unflushed !== undefined) unflushed.kept = [];
      stack.world.run();
      const journal = new Journal(SECTORS, asked, answersOf(stack.client));
      if ([...journal.wrongReads(), ...loseAll(stack, asked)].length > 0) found++;
    }
    expect(found).toBeGreaterThan(3);
  });

  /** What is wrong with the content once host and array have both lost their power. */
  function loseAll(stack: Stack, asked: readonly Asked[]): string[] {
    const answers = before(answersOf(stack.client));
    for (const lost of [stack.host, stack.array!]) stack.world.crash(lost, "test");
    for (const lost of [stack.host, stack.array!]) stack.world.restart(lost);
    for (const wire of stack.wires) wire.editDurable().down = false;
    return new Journal(SECTORS, asked, answers).wrongAfterCrash(readAll(stack));
  }
});

describe("canaries", () => {
  const planWithFault = (kind: StackKind, fault: object): number => {
    let found = 0;
    for (const plan of fc.sample(plans, { seed: 3, numRuns: 150 })) {
      const stack = buildStack(kind, plan.seed);
      askAt(stack.client, 0, stack.device, READ_ALL + 1, fault, "arm-fault");
      const asked = ask(stack, plan);
      stack.world.run({ untilEvent: plan.crashAfter });
      const sent = asked.filter((each) => each.atNs <= stack.world.timeNs);
      stack.world.crash(stack.host, "test");
      stack.world.restart(stack.host);
      const journal = new Journal(SECTORS, sent, answersOf(stack.client));
      const wrong = [...journal.wrongReads(), ...journal.wrongAfterCrash(readAll(stack))];
      if (wrong.length > 0) found++;
    }
    return found;
  };

  it.each(["lying-flush", "lost-write", "misdirected-write"])("%s", (fault) => {
    expect(planWithFault("disk", { kind: fault, count: 1000 })).toBeGreaterThan(1);
    expect(planWithFault("writeback over disk", { kind: fault, count: 1000 })).toBeGreaterThan(1);
  });

  it("a page cache whose memory is taken for durable", () => {
    const forgetful = { kind: "lying-flush", count: 0 };
    expect(planWithFault("writeback over disk", forgetful)).toBe(0);
  });
});
