/**
 * A medium of another host as a block device of this one: each request goes to that host's agent, which
 * puts it to the medium. There is one for each disk that is being moved, as the target of its mirror.
 *
 * Must hold: a request is sent once (what came late is refused there, or is what was sent), and is
 * answered in time, or as `path-lost`; closing it answers what is on its way. Handler: `io` (block
 * contract).
 */
import {
  component,
  type Entity,
  type EntityId,
  type Plain,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  answer,
  type BlockRequest,
  bytesOut,
  HEADER_BYTES,
  refused,
} from "../../platform/index.ts";

export type RemoteMediumConfig = {
  /** Agent of the other host: takes `medium-io`. */
  readonly agent: EntityId;
  readonly vm: string;
  /** The operation on whose behalf it is. */
  readonly source: EntityId;
  readonly device: EntityId;
  readonly timeoutNs: number;
};

type State = {
  readonly next: number;
  readonly outstanding: { readonly [number: string]: Request };
};

type RemoteMedium = Entity<RemoteMediumConfig, Record<string, never>, State>;

/** What an agent is asked. */
export type MediumIo = {
  readonly vm: string;
  readonly source: EntityId;
  readonly device: EntityId;
  readonly request: BlockRequest;
};

export const remoteMedium = component<RemoteMediumConfig, Record<string, never>, State>({
  kind: "remote-medium",
  volatile: () => ({ next: 1, outstanding: {} }),
  handlers: {
    io: (self, request: Request<BlockRequest>) => {
      const { agent, vm, source, device, timeoutNs } = self.config;
      const state = self.edit();
      const number = state.next++;
      const bare: Request = { ...request, body: null };
      (state.outstanding as { [number: string]: Request })[number] = bare;
      const body: MediumIo = { vm, source, device, request: request.body };
      const bytes = HEADER_BYTES + bytesOut(request.body);
      const options = { then: "answered", tag: number, timeoutNs, bytes };
      self.ask(agent, "medium-io", body as unknown as Plain, options);
    },
    answered: (self, reply: Reply) => {
      const number = reply.tag as number;
      const request = self.volatile.outstanding[number];
      if (request === undefined) return;
      delete (self.edit().outstanding as { [number: string]: Request })[number];
      const isLost = !reply.ok && reply.code === "timeout";
      answer(self, request, isLost ? refused("path-lost") : reply);
    },
  },
});

/** Whoever waits for an answer gets one, and it is gone. */
export function closeRemoteMedium(self: RemoteMedium): void {
  const waiting = Object.values(self.volatile.outstanding);
  self.edit().outstanding = {};
  for (const request of waiting) answer(self, request, refused("path-lost"));
  self.world.remove(self as unknown as Entity);
}

export const asRemoteMedium = (entity: Entity): RemoteMedium => entity as unknown as RemoteMedium;
