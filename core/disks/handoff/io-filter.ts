/**
 * An I/O filter of a host: where others ask for the release of a disk. Filters may hang or be
 * unloaded, one by one; the next one in the chain reaches the same keeper.
 *
 * Handlers: "release" (answered once the keeper has given the disk up), and, for faults, "hang" and
 * "resume".
 */
import { component, type Entity, type EntityId, type Reply } from "../../kernel/index.ts";
import type { ReleaseAsk } from "./keeper-state.ts";

type FilterConfig = { readonly keeper: EntityId };
type FilterState = {
  readonly hangs: boolean;
  readonly asks: { readonly [id: string]: ReleaseAsk };
};

export const ioFilter = component<FilterConfig, Record<string, never>, FilterState>({
  kind: "io-filter",
  volatile: () => ({ hangs: false, asks: {} }),
  handlers: {
    release: (self, request: ReleaseAsk) => {
      if (self.volatile.hangs) return;
      const id = `${request.from}:${request.askId}`;
      (self.edit().asks as { [id: string]: ReleaseAsk })[id] = request;
      self.ask(self.config.keeper, "release", request.body, { then: "released", tag: id });
    },
    released: (self, reply: Reply) => {
      const id = reply.tag as string;
      const request = self.volatile.asks[id];
      if (request === undefined) return;
      delete (self.edit().asks as { [id: string]: ReleaseAsk })[id];
      if (reply.ok) self.reply(request, reply.value);
      else self.refuse(request, reply.code, reply.detail);
    },
    hang: (self) => void (self.edit().hangs = true),
    resume: (self) => void (self.edit().hangs = false),
  },
});

/** Filters of a host, named `HOST/filter-1` and so on. */
export function spawnFilters(host: Entity, keeper: EntityId, count: number): readonly EntityId[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${host.name}/filter-${index + 1}`;
    return host.world.spawn(ioFilter, { keeper }, { creator: host, name }).id;
  });
}
