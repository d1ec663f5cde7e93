/**
 * A small world for tests of storage: a client that sends what it is told and keeps the answers, and
 * a wire that carries messages between domains with a fixed delay, or not at all.
 */
import {
  component,
  type ContentRun,
  type DomainId,
  type Entity,
  type Envelope,
  type GateOptions,
  type Reply,
  World,
} from "../../../kernel/index.ts";
import type { BlockRequest } from "../block.ts";

export type Answer = {
  readonly tag: number;
  readonly ok: boolean;
  readonly code: string;
  readonly atNs: number;
  readonly runs: readonly ContentRun[] | null;
  readonly value: Reply;
};

type Ask = {
  readonly to: number;
  readonly verb: string;
  readonly body: never;
  readonly tag: number;
};

/** What the world outside keeps: survives every crash. */
export const client = component<Record<never, never>, { answers: Answer[] }, Record<never, never>>({
  kind: "client",
  durable: () => ({ answers: [] }),
  handlers: {
    ask: (self, { to, verb, body, tag }: Ask) =>
      self.ask(to, verb, body, { then: "answered", tag }),
    answered: (self, reply: Reply) => {
      const runs = reply.ok ? (reply.value as { runs?: readonly ContentRun[] }).runs : undefined;
      const { answers } = self.editDurable();
      (answers as Answer[]).push({
        tag: reply.tag as number,
        ok: reply.ok,
        code: reply.ok ? "" : reply.code,
        atNs: self.simulatedNs,
        runs: runs ?? null,
        value: reply,
      });
    },
  },
});

export type Client = Entity<Record<never, never>, { answers: Answer[] }, Record<never, never>>;

/** Asks at a time from now; the answer is found under `tag`. */
export function askAt(
  from: Client,
  delayNs: number,
  to: { readonly id: number },
  tag: number,
  body: BlockRequest | object,
  verb = "io",
): void {
  from.after(delayNs, "ask", { to: to.id, verb, body: body as never, tag });
}

export function answersOf(from: Client): Answer[] {
  return from.durable.answers;
}

type WireState = { readonly down: boolean };

/** Carries everything after `delayNs`; nothing while it is down. */
export const wire = component<{ delayNs: number }, WireState, Record<never, never>>({
  kind: "wire",
  durable: () => ({ down: false }),
  handlers: {},
  carry: (self, envelope: Envelope) => {
    if (!self.durable.down) self.deliver(envelope, self.config.delayNs);
  },
});

export type Wire = Entity<{ delayNs: number }, WireState, Record<never, never>>;

export function newWorld(gate: Partial<GateOptions> = {}): World {
  return new World({ gate: { seed: 1, ...gate } });
}

export function newClient(world: World, domain: DomainId, name = "client"): Client {
  return world.spawn(client, {}, { domain, name });
}

/** A wire of its own domain that joins two others both ways. */
export function newWire(
  world: World,
  name: string,
  ends: readonly [DomainId, DomainId],
  delayNs: number,
): Wire {
  const domain = world.addDomain(name);
  const entity = world.spawn(wire, { delayNs }, { domain, name });
  world.messenger.connect(ends[0], ends[1], entity.id);
  world.messenger.connect(ends[1], ends[0], entity.id);
  return entity;
}

export const stampRun = (stamp: number, sectors: number): ContentRun => {
  return stamp === 0 ? { kind: "zero", sectors } : { kind: "stamp", sectors, stamp };
};
