/**
 * What must hold of traces, seen from outside: whoever relies on a trace never misses a write. When
 * traces begin to count, the content of all pages is remembered beside the world; when what is dirty is
 * taken over, every page that differs from that must be marked.
 */
import {
  always,
  Bitmap,
  bitmapWords,
  type Entity,
  type Finding,
  type Invariant,
  type World,
} from "../../kernel/index.ts";
import { TRACES_COUNT, TRACES_TAKEN } from "./clients.ts";
import { clientBitmap, clientOf, type MemoryEntity } from "./memory-state.ts";
import { differsFrom, rememberContent } from "./shadow-content.ts";

const MECHANISM = "page traces";

const shadowOf = (self: MemoryEntity, client: string): string => `${self.name}#${client}`;

/** What was traced when the traces began to count. */
const tracedThen = (self: MemoryEntity, client: string): Bitmap => {
  const { pages } = self.config;
  const words = self.world.shadowArrays.open(
    `${self.name}#${client}.traced`,
    "u32",
    bitmapWords(pages),
  );
  return new Bitmap(words, pages);
};

function remember(self: MemoryEntity, client: string): void {
  tracedThen(self, client).become(clientBitmap(self, client, "armed"));
  rememberContent(self, shadowOf(self, client));
}

function missed(self: MemoryEntity, client: string): Finding | undefined {
  if (clientOf(self, client)?.keeps !== false) return undefined;
  const dirty = clientBitmap(self, client, "dirty");
  const traced = tracedThen(self, client);
  const changed = differsFrom(self, shadowOf(self, client));
  const unseen = changed.filter((page) => traced.has(page) && !dirty.has(page));
  if (unseen.length === 0) return undefined;
  const pages = unseen.slice(0, 8);
  const message = `${unseen.length} pages of ${self.name} changed unseen by ${client}`;
  return { message, fields: { client, pages } };
}

const asMemory = (entity: Entity): MemoryEntity => entity as unknown as MemoryEntity;

export const traceInvariants: readonly Invariant[] = [
  always("every write to a page whose trace counts is seen", {
    mechanism: MECHANISM,
    observes: {
      [TRACES_COUNT]: (entity, data) => remember(asMemory(entity), data["client"] as string),
      [TRACES_TAKEN]: (entity, data, _world: World) =>
        missed(asMemory(entity), data["client"] as string),
    },
  }),
  always("traces count only when every vCPU has flushed", {
    mechanism: MECHANISM,
    observes: {
      [TRACES_COUNT]: (entity, data): Finding | undefined => {
        const { flushed, generation } = asMemory(entity).volatile;
        const client = data["client"] as string;
        const late = flushed.findIndex((at) => at < (data["generation"] as number));
        if (late < 0) return undefined;
        const message = `traces of ${client} count although vCPU ${late} has not flushed`;
        return { message, fields: { client, vcpu: late, generation } };
      },
    },
  }),
];
