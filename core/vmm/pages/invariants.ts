/**
 * What must hold of traces, seen from outside: whoever relies on a trace never misses a write. When
 * traces begin to count, the content of all pages is remembered beside the world; when what is dirty is
 * taken over, every page that differs from that must be marked.
 */
import {
  always,
  type ArrayImage,
  Bitmap,
  bitmapWords,
  type Entity,
  type Finding,
  type Invariant,
  type NumberArray,
  type World,
} from "../../kernel/index.ts";
import { ramOf } from "./content.ts";
import { TRACES_COUNT, TRACES_TAKEN } from "./clients.ts";
import { clientBitmap, clientOf, type MemoryEntity, stampsOf } from "./memory-state.ts";

const MECHANISM = "page traces";

const shadowOf = (self: MemoryEntity, client: string): NumberArray =>
  self.world.shadowArrays.open(`${self.name}#${client}`, "f64", self.config.pages);

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

/** Content of each page as a number: its stamp, or 53 bits of the hash of its bytes. */
function contentNow(self: MemoryEntity): ArrayImage | number[] {
  if (!self.config.isReal) return stampsOf(self).capture();
  const hashes = ramOf(self)?.hashes() ?? (() => 0);
  return Array.from({ length: self.config.pages }, (_, page) => hashes(page));
}

function remember(self: MemoryEntity, client: string): void {
  const shadow = shadowOf(self, client);
  tracedThen(self, client).become(clientBitmap(self, client, "armed"));
  const content = contentNow(self);
  if (Array.isArray(content)) content.forEach((value, page) => shadow.set(page, value));
  else shadow.restore(content);
}

function missed(self: MemoryEntity, client: string): Finding | undefined {
  if (clientOf(self, client)?.keeps !== false) return undefined;
  const dirty = clientBitmap(self, client, "dirty");
  const traced = tracedThen(self, client);
  const shadow = shadowOf(self, client);
  const content = contentNow(self);
  const unseen: number[] = [];
  const look = (page: number): void => {
    if (traced.has(page) && !dirty.has(page)) unseen.push(page);
  };
  if (!Array.isArray(content)) shadow.eachDifference(content, look);
  else content.forEach((value, page) => value !== shadow.get(page) && look(page));
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
