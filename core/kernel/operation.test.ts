import { describe, expect, it } from "vitest";
import {
  abandonOperations,
  ask,
  type AskStep,
  component,
  done,
  type Entity,
  fail,
  go,
  lookAgain,
  operation,
  perform,
  type Plain,
  type Request,
  startOperation,
  type Step,
  together,
  wait,
  World,
} from "./index.ts";

const wire = component<{}, {}, { held: number }>({
  kind: "slow-wire",
  volatile: () => ({ held: 0 }),
  handlers: {},
  carry: (self, envelope) => self.deliver(envelope, 100),
});

/** Answers after as long as it is asked to; refuses below zero; says nothing at 0. */
const peer = component<{}, {}, { heard: number[] }>({
  kind: "peer",
  volatile: () => ({ heard: [] }),
  handlers: {
    serve: (self, request: Request<number>) => {
      self.edit().heard.push(request.body);
      if (request.body < 0) return self.refuse(request, "no", request.body);
      if (request.body > 0) self.after(request.body, "answer", { request });
    },
    answer: (self, { request }: { request: Request<number> }) => self.reply(request, request.body),
    collect: (self, reply: { ok: boolean; value?: number; code?: string }) =>
      void self.edit().heard.push(reply.ok ? reply.value! : reply.code === "timeout" ? -99 : -1),
  },
});

type Ended = { outcome: string; phase: string; figures: { [name: string]: Plain }; detail: Plain };

function stage(): { world: World; near: Entity; far: Entity; ended: Ended[]; phases: string[] } {
  const world = new World({ gate: { seed: 1 } });
  const [a, b, c] = ["a", "b", "c"].map((name) => world.addDomain(name)) as [
    number,
    number,
    number,
  ];
  const link = world.spawn(wire, {}, { domain: c, name: "wire" });
  world.messenger.connect(a, b, link.id);
  world.messenger.connect(b, a, link.id);
  const near = world.spawn(peer, {}, { domain: a, name: "near" }) as unknown as Entity;
  const far = world.spawn(peer, {}, { domain: b, name: "far" }) as unknown as Entity;
  const ended: Ended[] = [];
  const phases: string[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end") ended.push(data as unknown as Ended);
    if (kind === "phase") phases.push(data["phase"] as string);
  };
  return { world, near, far, ended, phases };
}

const to = (body: number, extras: Partial<AskStep> = {}): AskStep =>
  ask(2, "serve", body, "got", extras);
let counted = 0;

/** Runs an operation that takes `step` first, then ends with what it was given. */
function runOne(step: Step, before?: (at: ReturnType<typeof stage>) => void) {
  const at = stage();
  const kind = operation(`one-${counted++}`, {
    first: () => step,
    got: (_host, _op, result: Plain) => done({ result, atNs: at.world.timeNs }),
    other: (_host, _op, result: Plain) => fail("otherwise", result),
  });
  startOperation(at.world, kind, at.near, "op", {});
  before?.(at);
  at.world.run();
  expect(at.world.activeOperations).toBe(0);
  expect(at.world.registry.idOf("op")).toBe(undefined);
  return { ...at, end: at.ended[0]! };
}

describe("an operation", () => {
  it("goes on at once, after a while, or with an answer", () => {
    expect(runOne(go("got")).end).toMatchObject({ outcome: "complete", figures: { atNs: 0 } });
    expect(runOne(wait(70, "got")).end).toMatchObject({ figures: { atNs: 70 } });
    expect(runOne(to(5)).end).toMatchObject({ figures: { result: 5, atNs: 205 } });
    expect(runOne(wait(70, "got")).phases).toEqual(["first", "got"]);
  });

  it("ends by what was refused, or timed out, unless another phase handles it", () => {
    expect(runOne(to(-4)).end).toMatchObject({ outcome: "no", detail: -4 });
    expect(runOne(to(0, { timeoutNs: 500 })).end).toMatchObject({ outcome: "timeout" });
    const handled = runOne(to(-4, { otherwise: "other" })).end;
    expect(handled).toMatchObject({ outcome: "otherwise", detail: { code: "no", detail: -4 } });
    expect(runOne(to(-4, { tolerate: ["no"] })).end.figures).toMatchObject({ result: null });
  });

  it("waits for all answers, in the order of the requests", () => {
    const all = together([to(30), to(10), to(-1, { tolerate: ["no"] })], "got");
    expect(runOne(all).end.figures).toEqual({ result: [30, 10, null], atNs: 230 });
    expect(runOne(together([], "got")).end.figures).toMatchObject({ result: [] });
    expect(runOne(together([to(30), to(-1)], "got", "other")).end.outcome).toBe("otherwise");
  });

  it("has parameters of its own: a record that they were taken from goes on without them", () => {
    const { world, near, ended } = stage();
    const kind = operation<{ readonly heard: readonly number[] }, {}>("own-parameters", {
      first: () => wait(10, "got"),
      got: (_host, { params }) => done({ heard: [...params.heard] }),
    });
    const at = near as unknown as Entity<{}, {}, { heard: number[] }>;
    at.edit().heard.push(1);
    startOperation(world, kind, near, "op", { heard: at.volatile.heard });
    world.run({ untilNs: 5 });
    at.edit().heard[0] = 2;
    world.run();
    expect(ended[0]!.figures).toEqual({ heard: [1] });
  });

  it("dies with its domain, in whatever phase; no late answer finds it", () => {
    for (const atNs of [50, 150, 250]) {
      const { end, world } = runOne(to(100), ({ world: w, near }) => {
        w.run({ untilNs: atNs });
        w.crash(near.domain, "test");
      });
      expect(end).toMatchObject({ outcome: "crashed", phase: "first" });
      expect(world.checker.violations).toEqual([]);
    }
  });
});

describe("a request", () => {
  const collect = { then: "collect", tag: null };

  it("is answered once: the answer, or the time-out, whichever is first", () => {
    const { world, near, far } = stage();
    near.ask(far.id, "serve", 300, { ...collect, timeoutNs: 1_000 });
    near.ask(far.id, "serve", 301, { ...collect, timeoutNs: 400 });
    world.run();
    expect(near.volatile).toEqual({ heard: [-99, 300] });
    expect(world.queue.size).toBe(0);
  });

  it("is forgotten by a crash of who asked; a late answer to it fits no later one", () => {
    const { world, near, far } = stage();
    near.ask(far.id, "serve", 300, collect);
    world.run({ untilNs: 200 });
    world.crash(near.domain, "test");
    world.restart(near.domain);
    near.ask(far.id, "serve", 310, collect);
    world.run();
    expect(near.volatile).toEqual({ heard: [310] });
    expect(far.volatile).toEqual({ heard: [300, 310] });
  });

  it("sent to a former life of its target is not heard", () => {
    const { world, near, far } = stage();
    near.ask(far.id, "serve", 5, { ...collect, timeoutNs: 900 });
    world.crash(far.domain, "test");
    world.restart(far.domain);
    world.run();
    expect([near.volatile, far.volatile]).toEqual([{ heard: [-99] }, { heard: [] }]);
  });

  it("canary: a message is a copy, so what the sender does next cannot be seen in it", () => {
    const { world, near, far } = stage();
    const body = [1];
    near.send(far.id, "serve", body);
    body[0] = 2;
    world.run();
    expect((far.volatile as { heard: Plain[] }).heard).toEqual([[1]]);
  });
});

describe("an operation performed as a phase of another", () => {
  it("gives its figures to the next phase", () => {
    const part = operation("part-done", {
      first: () => wait(50, "end"),
      end: () => done({ n: 7 }),
    });
    const { ended } = runOne(perform(part, {}, "got"));
    expect(ended.map(({ outcome }) => outcome)).toEqual(["complete", "complete"]);
    expect(ended[1]!.figures).toEqual({ result: { n: 7 }, atNs: 50 });
  });

  it("hands its refusal over, or ends the whole with it", () => {
    const part = operation("part-fails", { first: () => fail("full", 3) });
    const handled = runOne(perform(part, {}, "got", "other")).ended;
    expect(handled[1]).toMatchObject({ outcome: "otherwise", detail: { code: "full", detail: 3 } });
    const whole = runOne(perform(part, {}, "got")).ended;
    expect(whole[1]).toMatchObject({ outcome: "full", detail: 3 });
  });

  it("dies with its domain, both once", () => {
    const part = operation("part-crashes", { first: () => wait(50, "end"), end: () => done() });
    const { ended } = runOne(perform(part, {}, "got"), ({ world, near }) => {
      world.run({ untilNs: 10 });
      world.crash(near.domain, "test");
    });
    expect(ended.map(({ outcome }) => outcome)).toEqual(["crashed", "crashed"]);
  });

  it("is abandoned with the whole, though it does not name what that is about", () => {
    const part = operation("part-abandoned", { first: () => wait(50, "end"), end: () => done() });
    const whole = operation("whole-abandoned", { first: () => perform(part, {}, "got") });
    const { world, near, ended } = stage();
    startOperation(world, whole, near, "whole", { vm: "db" });
    world.run({ untilNs: 10 });
    abandonOperations(world, near.domain, "db");
    expect(world.run()).toBe("idle");
    expect(ended.map(({ outcome }) => outcome)).toEqual(["abandoned", "abandoned"]);
    expect(world.activeOperations).toBe(0);
    expect(world.checker.violations).toEqual([]);
  });

  it("is abandoned alone, and the whole goes on, where that is about others too", () => {
    const part = operation("part-of-many", { first: () => wait(50, "end"), end: () => done() });
    const whole = operation("whole-of-many", {
      first: () => perform(part, { vm: "db" }, "got", "lost"),
      got: () => done(),
      lost: (_host, _op, { code }: { code: string }) => fail(code),
    });
    const { world, near, ended } = stage();
    startOperation(world, whole, near, "whole", {});
    world.run({ untilNs: 10 });
    abandonOperations(world, near.domain, "db");
    expect(world.run()).toBe("idle");
    expect(ended.map(({ outcome }) => outcome)).toEqual(["abandoned", "abandoned"]);
    expect(world.activeOperations).toBe(0);
  });
});

it("looks again less and less often, told as one phase, and is hardly late", () => {
  const { world, near, phases } = stage();
  const [firstNs, thenNs] = [50_000, 1_000_000_000];
  let foundNs = 0;
  const kind = operation("patient", {
    look: () => (world.timeNs < thenNs ? lookAgain(firstNs, "look") : go("found")),
    found: () => {
      foundNs = world.timeNs;
      return done();
    },
  });
  startOperation(world, kind, near, "op", {});
  world.run();
  expect(phases).toEqual(["look", "found"]);
  expect(world.eventCount).toBeLessThan(200);
  expect(foundNs).toBeGreaterThanOrEqual(thenNs);
  expect(foundNs).toBeLessThan(thenNs * 1.07);
});
