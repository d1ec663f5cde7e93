/**
 * A small world that uses everything the kernel has: two domains that talk over a lossy wire, asks
 * with time-outs, timers that are set and cancelled, draws, contents, operations, entities that come
 * and go, crashes in the middle of it all, and invariants of every type. For tests.
 */
import {
  always,
  ask,
  bernoulli,
  component,
  done,
  type Entity,
  eventually,
  exponential,
  fail,
  type GateOptions,
  go,
  type Invariant,
  operation,
  quiescent,
  type Reply,
  type Request,
  sometimes,
  startOperation,
  together,
  uniform,
  wait,
  World,
  type WorldConstants,
} from "../index.ts";

export interface SampleOptions {
  /** Mean time between two requests of the client. */
  readonly paceNs: number;
  readonly lossPerMillion: number;
  readonly crashEveryNs: number;
  readonly requests: number;
  /** Content that the server starts with. */
  readonly greeting: string;
  readonly invariants: boolean;
  readonly constants: Partial<WorldConstants>;
}

export const SAMPLE: SampleOptions = {
  paceNs: 1_000,
  lossPerMillion: 100_000,
  crashEveryNs: 20_000,
  requests: 40,
  greeting: "hello",
  invariants: true,
  constants: { epochEvents: 64, epochNs: 30_000, metricsIntervalNs: 10_000 },
};

const SECTORS = 64;
const NAP = uniform(900);

const wire = component<{ lossPerMillion: number }, {}, { carried: number; lost: number }>({
  kind: "wire",
  volatile: () => ({ carried: 0, lost: 0 }),
  handlers: {},
  carry: (self, envelope) => {
    const state = self.edit();
    state.carried++;
    const isDatagram = envelope.delivery === "datagram";
    if (isDatagram && self.draw("loss", bernoulli(self.config.lossPerMillion))) {
      state.lost++;
      return;
    }
    self.deliver(envelope, 100 + self.draw("latency", exponential(300)));
    if (isDatagram && self.draw("twin", bernoulli(50_000))) self.deliver(envelope, 700);
  },
});

type Put = { readonly key: number; readonly tags: readonly number[] };
type ServerDurable = { log: Put[]; boots: number; greeting: string };
type ServerVolatile = { cache: { [key: string]: number }; beats: number; guard: number };

const server = component<{ greeting: string }, ServerDurable, ServerVolatile>({
  kind: "server",
  durable: ({ greeting }) => ({ log: [], boots: 1, greeting }),
  volatile: () => ({ cache: {}, beats: 0, guard: 0 }),
  handlers: {
    boot: (self) => self.after(500, "beat"),
    beat: (self) => {
      const state = self.edit();
      state.beats++;
      self.cancel(state.guard);
      state.guard = self.after(5_000, "unguarded", null);
      self.after(500 + self.draw("beat", NAP), "beat", state.beats);
    },
    unguarded: (self, arg: null) => {
      if (arg !== null) throw new Error("a null payload came back as something else");
      self.edit().beats = -1;
    },
    put: (self, request: Request<Put>) => {
      const { key, tags } = request.body;
      if (key % 7 === 6) return self.refuse(request, "unlucky", { key });
      const state = self.edit();
      state.cache[key] = (state.cache[key] ?? 0) + 1;
      self.editDurable().log.push({ key, tags: [...tags] });
      self.content("disk", SECTORS).writeStamps(key % SECTORS, 1, 1_000 + key);
      self.durableStep("put");
      self.measure("put-key", key);
      self.after(self.draw("service", NAP), "answer", { request, key });
    },
    answer: (self, { request, key }: { request: Request<Put>; key: number }) =>
      self.reply(request, { key, seen: self.volatile.cache[key] ?? 0 }),
  },
  crashed: (self) => {
    const kept = self.draw("kept", uniform(self.durable.log.length + 1));
    self.editDurable().log.length = kept;
  },
  restarted: (self) => {
    self.editDurable().boots++;
    self.after(500, "beat");
  },
});

type ClientConfig = { paceNs: number; requests: number; server: number };
type ClientState = {
  sent: number;
  answered: number;
  failed: number;
  codes: string[];
  hot: number[];
};

const client = component<ClientConfig, {}, ClientState>({
  kind: "client",
  volatile: () => ({ sent: 0, answered: 0, failed: 0, codes: [], hot: [1, 2] }),
  handlers: {
    next: (self) => {
      const { requests, paceNs } = self.config;
      const state = self.edit();
      if (state.sent >= requests) return;
      const key = state.sent++;
      // The list that was sent is changed right after: the message must not change with it.
      const body = { key, tags: state.hot };
      const delivery = key % 2 === 0 ? "datagram" : "stream";
      self.ask(self.config.server, "put", body, {
        then: "got",
        tag: key,
        timeoutNs: 4_000,
        delivery,
      });
      state.hot.push(key);
      if (state.hot.length > 4) state.hot.shift();
      if (key % 5 === 0) self.spawn(note, { key }).after(2_000 + key, "fade", { key });
      self.after(self.draw("pace", exponential(paceNs)), "next");
    },
    got: (self, reply: Reply<{ key: number }>) => {
      const state = self.edit();
      if (reply.ok) state.answered++;
      else {
        state.failed++;
        state.codes.push(reply.code);
      }
    },
  },
});

const note = component<{ key: number }, {}, { faded: boolean }>({
  kind: "note",
  volatile: () => ({ faded: false }),
  handlers: {
    fade: (self) => {
      self.content("scrap", 8).writeZeros(0, 2);
      self.edit().faded = true;
      self.after(50, "fade");
      self.world.remove(self as unknown as Entity);
    },
  },
});

const backup = operation<{ from: number; client: number }, { rounds: number }>(
  "backup",
  {
    begin: (_host, op) => {
      op.edit().rounds++;
      return go("ask");
    },
    ask: (_host, op) =>
      ask(op.params.from, "put", { key: 3, tags: [] }, "pause", {
        timeoutNs: 3_000,
        otherwise: "retry",
      }),
    retry: (_host, op) => (op.state.rounds > 3 ? fail("gave-up") : wait(700, "begin")),
    pause: (host) => wait(200 + host.draw("pause", NAP), "both"),
    both: (_host, op) =>
      together(
        [1, 6].map((key) =>
          ask(op.params.from, "put", { key, tags: [9] }, "", {
            timeoutNs: 4_000,
            tolerate: ["unlucky"],
          }),
        ),
        "end",
        "retry",
      ),
    end: (_host, _op, result: readonly ({ key: number } | null)[]) =>
      done({ tolerated: result.filter((each) => each === null).length }),
  },
  () => ({ rounds: 0 }),
);

type DriverConfig = { everyNs: number; server: number; client: number; crashes: number };

const driver = component<DriverConfig, {}, { crashes: number }>({
  kind: "driver",
  omniscient: true,
  volatile: () => ({ crashes: 0 }),
  handlers: {
    begin: (self) => {
      const { world, config } = self;
      const host = world.entity(config.client);
      const params = { from: config.server, client: config.client };
      startOperation(world, backup, host, "backup-1", params);
      self.after(config.everyNs, "crash");
    },
    late: (self) => {
      const { world, config } = self;
      const params = { from: config.server, client: config.client };
      startOperation(world, backup, world.entity(config.client), "late", params);
    },
    crash: (self) => {
      const { world, config } = self;
      const state = self.edit();
      if (state.crashes >= config.crashes) return;
      state.crashes++;
      const victim = state.crashes % 3 === 0 ? config.client : config.server;
      world.crash(world.entity(victim).domain, "test");
      self.after(1_500, "restart", { victim });
    },
    restart: (self, { victim }: { victim: number }) => {
      const { world, config } = self;
      const target = world.entity(victim);
      world.restart(target.domain);
      if (victim === config.client) target.after(10, "next");
      const params = { from: config.server, client: config.client };
      startOperation(world, backup, world.entity(config.client), "backup-1", params);
      self.after(config.everyNs, "crash");
      self.after(config.everyNs - 1_500, "late");
    },
  },
});

export const sampleInvariants: readonly Invariant[] = [
  always(
    "the log holds at most nine entries",
    {
      mechanism: "sample",
      reads: ["server"],
      shadow: { most: 0 },
      observes: {
        durable: (entity, _data, world, editShadow) => {
          if (entity.kind !== "server") return;
          const { log } = world.durable.get(entity.id) as ServerDurable;
          const shadow = editShadow() as { most: number };
          shadow.most = Math.max(shadow.most, log.length);
        },
      },
    },
    (entity, _world, shadow) => {
      const { log } = entity.durable as unknown as ServerDurable;
      if (log.length <= 9) return undefined;
      return { message: `${log.length} entries`, fields: { most: shadow["most"] } };
    },
  ),
  always("notes do not fade", { mechanism: "sample", reads: ["note"] }, (entity) =>
    (entity.volatile as { faded: boolean }).faded ? { message: "faded" } : undefined,
  ),
  quiescent("few requests", { mechanism: "sample", reads: ["client"] }, (entity) =>
    (entity.volatile as ClientState).sent > 4 ? { message: "more than four" } : undefined,
  ),
  eventually(
    "an even number of answers",
    { mechanism: "sample", reads: ["client"], withinNs: 1_500 },
    (entity) => (entity.volatile as ClientState).answered % 2 === 0,
  ),
  sometimes(
    "a request fails",
    { mechanism: "sample", reads: ["client"] },
    (entity) => (entity.volatile as ClientState).failed > 0,
  ),
  sometimes("the moon is blue", { mechanism: "sample", reads: ["client"] }, () => false),
];

/** The world of these options, at event 0. */
export function sampleWorld(gate: GateOptions, changes: Partial<SampleOptions> = {}): World {
  const options = { ...SAMPLE, ...changes };
  const world = new World({ gate, constants: options.constants });
  world.register(...([wire, server, client, note, backup, driver] as never[]));
  const [air, left, right, outside] = ["air", "left", "right", "outside"].map((name) =>
    world.addDomain(name),
  ) as [number, number, number, number];
  const { lossPerMillion, greeting, crashEveryNs } = options;
  const link = world.spawn(wire, { lossPerMillion }, { domain: air, name: "wire" });
  world.messenger.connect(left, right, link.id);
  world.messenger.connect(right, left, link.id);
  const there = world.spawn(server, { greeting }, { domain: right, name: "server" });
  const here = world.spawn(
    client,
    { paceNs: options.paceNs, requests: options.requests, server: there.id },
    {
      domain: left,
      name: "client",
    },
  );
  const outer = { everyNs: crashEveryNs, server: there.id, client: here.id, crashes: 3 };
  const boss = world.spawn(driver, outer, { domain: outside, name: "driver" });
  if (options.invariants) world.addInvariants(sampleInvariants);
  there.after(0, "boot");
  here.after(1, "next");
  boss.after(1_200, "begin");
  return world;
}

/** Everything has happened by then; only the server's heart goes on. */
export const SAMPLE_END_NS = 120_000;

/** Runs to the end; gives the root. */
export function finishSample(world: World): bigint {
  world.run({ untilNs: SAMPLE_END_NS });
  world.finish();
  return world.root();
}
