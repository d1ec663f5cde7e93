/**
 * What stands beside the content of a memory, kept while its run stands still: what the guest was doing
 * to it, who traces what, and of a real machine its harts.
 *
 * Must hold: clients that do not travel leave nothing; all others see on what they saw.
 */
import { type Editable, MEMORY_PAGE_BYTES } from "../../kernel/index.ts";
import type { integrity } from "../../guest/index.ts";
import type { LiveMachine } from "../rv64/live-machine.ts";
import { ramOf, settleMemory } from "./content.ts";
import {
  clientBitmap,
  type MemoryEntity,
  type MemoryState,
  type TraceClient,
  type WaitingStore,
} from "./memory-state.ts";
import { bitmapRanges } from "./ranges.ts";
import { packOwner, type Traveller, unpackOwner } from "./travelling.ts";

type Range = { readonly page: number; readonly pages: number };

/** A client whose traces go along: what it traces, what it has seen, and whose they are. */
type KeptClient = TraceClient & {
  readonly armed: readonly Range[];
  readonly dirty: readonly Range[];
  readonly owned: Traveller | null;
};

export type KeptMemory = {
  /** What a modelled guest was doing to its memory. */
  readonly touching: Pick<
    MemoryState,
    "owedNs" | "batch" | "cursor" | "turn" | "deviceCursor" | "released"
  >;
  readonly clients: readonly KeptClient[];
  /** What a modelled guest does behind a held access, and the tables that it does it with. */
  readonly behind?: {
    readonly stores: readonly WaitingStore[];
    readonly tables: integrity.SecondStage | null;
  };
  /** Of a real machine: the pages of its harts, one after the other. */
  readonly harts: Uint8Array;
};

/** `refers`: clients whose absent pages another host brings from where they are. */
export function keepMemory(memory: MemoryEntity, refers: readonly string[] = []): KeptMemory {
  settleMemory(memory);
  const { owedNs, batch, cursor, turn, deviceCursor, clients, held } = memory.volatile;
  const released = held === null ? memory.volatile.released : accessOf(held);
  const touching = { owedNs, batch, cursor, turn, deviceCursor, released };
  const kept = clients
    .filter(({ name, onMove = "travels" }) => onMove === "travels" || refers.includes(name))
    .map((each) => keepClient(memory, each));
  const { stores, tables } = memory.volatile;
  const behind = stores && { stores, tables: tables === undefined ? null : secondOf(tables) };
  return { touching, clients: kept, harts: hartsOf(memory), ...(behind && { behind }) };
}

const secondOf = ({ code, data, registered, tables }: integrity.SecondStage) => ({
  code,
  data,
  registered,
  tables,
});

const accessOf = ({ page, vcpu, writes }: NonNullable<MemoryState["held"]>) => ({
  page,
  vcpu,
  writes,
});

const keepClient = (memory: MemoryEntity, client: TraceClient): KeptClient => ({
  ...client,
  pending: null,
  owner: -1,
  armed: [
    ...bitmapRanges(clientBitmap(memory, client.name, "armed")),
    ...bitmapRanges(clientBitmap(memory, client.name, "pending")),
  ],
  dirty: bitmapRanges(clientBitmap(memory, client.name, "dirty")),
  owned: packOwner(memory, client.owner),
});

function hartsOf(memory: MemoryEntity): Uint8Array {
  const ram = memory.config.isReal ? ramOf(memory) : undefined;
  const { pages } = memory.config;
  const count = Math.max(0, (ram?.pages ?? 0) - pages);
  const harts = new Uint8Array(count * MEMORY_PAGE_BYTES);
  for (let i = 0; i < count; i++) harts.set(ram!.backing.read(pages + i), i * MEMORY_PAGE_BYTES);
  return harts;
}

/** Of a run that goes on from there; the content of its pages comes apart from that. */
export function takeUpMemory(memory: MemoryEntity, kept: KeptMemory): void {
  const { touching, clients, harts, behind } = structuredClone(
    kept as never,
  ) as Editable<KeptMemory>;
  const state = memory.edit();
  Object.assign(state, touching);
  if (behind !== undefined) state.stores = behind.stores;
  for (const { armed, dirty, owned, ...left } of clients) {
    const client = {
      ...left,
      owner: owned === null ? -1 : unpackOwner(memory, owned as Traveller),
    };
    const at = state.clients.findIndex(({ priority }) => priority < client.priority);
    (state.clients as TraceClient[]).splice(at < 0 ? state.clients.length : at, 0, client);
    const traced = clientBitmap(memory, client.name, "armed");
    for (const { page, pages } of armed) traced.addRange(page, pages);
    const seen = clientBitmap(memory, client.name, "dirty");
    for (const { page, pages } of dirty) seen.addRange(page, pages);
  }
  if (harts.length === 0) return;
  const backing = ramOf(memory)!.backing as LiveMachine;
  for (let at = 0; at < harts.length; at += MEMORY_PAGE_BYTES) {
    const page = memory.config.pages + at / MEMORY_PAGE_BYTES;
    backing.write(page, harts.subarray(at, at + MEMORY_PAGE_BYTES));
  }
}
