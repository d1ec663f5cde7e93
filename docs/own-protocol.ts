/**
 * A protocol of one's own: a register kept by a primary and a backup on two hosts. The primary makes
 * a write durable, passes it on, and acknowledges it when the backup has it too. With
 * `--set /timeline/burst/acknowledge=early` it answers at once and passes values on a little later,
 * as asynchronous replication does; the invariant below finds what that loses with the primary. With
 * `--set /faults/1/by=3` a fault of its own makes the backup forget its last three values instead.
 */
import {
  always,
  ask,
  component,
  done,
  type Entity,
  go,
  operation,
  type OwnFault,
  type OwnOperation,
  type PlainObject,
  type Reply,
  type Request,
  runIfMain,
  scenario,
  sometimes,
  wait,
  type World,
} from "orrery";

type Write = { readonly value: number; readonly early: boolean };
type Register = { readonly value: number };

/** How long a primary that answers early keeps a value to itself. */
const BATCH_NS = 5_000_000;

/** Either copy. `peer` is the backup's name on the primary, and empty on the backup. */
const replica = component<{ readonly peer: string }, Register, PlainObject>({
  kind: "replica",
  durable: () => ({ value: 0 }),
  handlers: {
    write(self, request: Request<Write>) {
      const { value, early } = request.body;
      self.editDurable().value = value;
      self.durableStep(`value ${value}`);
      if (self.config.peer === "" || early) self.reply(request, { value });
      if (self.config.peer === "") return;
      if (early) self.after(BATCH_NS, "pass", { value, request: null });
      else self.world.call(self as never, "pass", { value, request: { ...request } });
    },
    pass(self, { value, request }: { value: number; request: PlainObject | null }) {
      const backup = self.world.named(self.config.peer).id;
      self.ask(backup, "write", { value, early: false }, { then: "copied", tag: request });
    },
    copied(self, reply: Reply) {
      if (reply.ok && reply.tag !== null) self.reply(reply.tag as unknown as Request, reply.value);
    },
    read: (self, request: Request) => self.reply(request, { value: self.durable.value }),
  },
});

type Burst = PlainObject & {
  readonly writes: number;
  readonly gapUs: number;
  readonly acknowledge: "late" | "early";
};

/** A client that writes 1, 2, 3, … and, when the primary does not answer, asks the backup. */
const writeBurst = operation<Burst, { next: number }>(
  "write-burst",
  {
    write(host, op) {
      const body: Write = { value: op.state.next, early: op.params.acknowledge === "early" };
      const primary = host.world.named("primary").id;
      return ask(primary, "write", body, "acknowledged", {
        timeoutNs: 50_000_000,
        otherwise: "failOver",
      });
    },
    acknowledged(host, op, { value }: Register) {
      host.notice("acknowledged", { value });
      if (value >= op.params.writes) return done({ written: value, failedOver: false });
      op.edit().next = value + 1;
      return wait(op.params.gapUs * 1_000, "write");
    },
    failOver: (host) => ask(host.world.named("backup").id, "read", {}, "compare"),
    compare(host, _op, { value }: Register) {
      host.notice("sometimes", { name: "a client fails over to the backup" });
      host.notice("failed-over", { value });
      return go("report");
    },
    report: (_host, op) => done({ written: op.state.next - 1, failedOver: true }),
  },
  () => ({ next: 1 }),
);

const burst: OwnOperation = {
  family: "operation",
  name: "write-burst",
  description: "Write to the replicated register until done, or until the primary is gone.",
  parameters: {
    type: "object",
    properties: {
      writes: { type: "integer", minimum: 1, default: 1_000, description: "Values to write." },
      gapUs: { type: "integer", minimum: 0, default: 500, description: "Pause between two." },
      acknowledge: {
        enum: ["late", "early"],
        default: "late",
        description: "Before (early) or after (late) the backup has the value.",
      },
    },
  },
  operation: writeBurst,
  host: (world) => world.named("gamma"),
};

/** Its disk answers with an old version: the last `by` values are gone. */
const stale: OwnFault = {
  family: "fault",
  name: "stale",
  description: "A replica falls back to an earlier value.",
  parameters: {
    type: "object",
    properties: {
      replica: { enum: ["primary", "backup"], default: "backup", description: "Which one." },
      by: { type: "integer", minimum: 0, default: 1, description: "Values that it forgets." },
    },
  },
  strike(world, { replica: name, by }, when) {
    if (when === "ends") return;
    const register = world.named(name as string).editDurable() as { value: number };
    register.value = Math.max(0, register.value - (by as number));
  },
};

/** Held against what the client was told, which survives every crash. */
const invariants = [
  always("an acknowledged value survives the primary", {
    mechanism: "replication",
    shadow: { value: 0 },
    observes: {
      acknowledged: (_client, { value }, _world, editShadow) => {
        (editShadow() as { value: number }).value = value as number;
      },
      "failed-over": (_client, { value }, _world, editShadow) => {
        const promised = (editShadow() as { value: number }).value;
        if ((value as number) >= promised) return undefined;
        const message = `the backup has ${value}, ${promised} was acknowledged`;
        return { message, fields: { promised, found: value! } };
      },
    },
  }),
  sometimes("a client fails over to the backup", { mechanism: "replication" }),
];

function build(world: World): void {
  const host = (name: string): Entity => world.named(name);
  world.spawn(replica, { peer: "backup" }, { creator: host("alpha"), name: "primary" });
  world.spawn(replica, { peer: "" }, { creator: host("beta"), name: "backup" });
}

export default scenario(
  {
    name: "own-protocol",
    description: "A register kept twice; the primary is lost in the middle of a burst of writes.",
    seed: 3,
    durationMs: 2_000,
    hosts: ["alpha", "beta", "gamma"].map((id) => ({ id, cores: 1, memoryMiB: 1_024 })),
    links: [
      { between: ["gamma", "alpha"], latencyUs: 20 },
      { between: ["gamma", "beta"], latencyUs: 20 },
      { between: ["alpha", "beta"], latencyUs: 900, jitterUs: 300 },
    ],
    timeline: [{ id: "burst", atMs: 10, do: "write-burst" }],
    faults: [
      { kind: "power-loss", domain: "alpha", atMs: 300 },
      { kind: "stale", replica: "backup", by: 0, atMs: 301 },
    ],
    expect: [{ operation: "burst", outcome: "complete" }],
  },
  { mechanisms: [burst, stale], invariants, build },
);

await runIfMain(import.meta);
