/**
 * One access to a page, before it takes effect: who sees it, what it costs. Made for a stretch of
 * accesses, over bitmaps that lie in the world's stores.
 *
 * Must hold: an access to a page whose trace counts is seen before it proceeds, by every client, the
 * ones of higher priority first; a vCPU that has not flushed since a trace was set may pass it by
 * (its second-stage TLB still has the old entry); devices have no such TLB and pass nothing by.
 */
import { type Bitmap, type Editable, type EntityId, type Plain } from "../../kernel/index.ts";
import { INTEGRITY_CLIENT, judgeWrite, type WriteAlert } from "../integrity/judge.ts";
import { GRANULARITIES } from "./costs.ts";
import {
  bitmapOf,
  clientBitmap,
  type MemoryEntity,
  type MemoryState,
  type TraceClient,
} from "./memory-state.ts";

/** In place of a vCPU: the access is a device's, or the host's on its behalf. */
export const DEVICE = -1;

/** What the handler `trace-hit` of a client's owner is told. */
export type TraceHit = {
  readonly memory: EntityId;
  readonly client: string;
  readonly page: number;
  readonly vcpu: number;
  readonly writes: boolean;
};

/** What a search must reach, else it shows nothing of flushes. */
export const STALE_ENTRY = "a stale entry of a TLB let a write pass a trace by";

interface Tracing {
  readonly at: number;
  readonly name: string;
  readonly seesLoads: boolean;
  readonly keeps: boolean;
  readonly vcpusBy: TraceClient["vcpusBy"];
  readonly owner: EntityId;
  readonly armed: Bitmap;
  readonly dirty: Bitmap;
  readonly pending: Bitmap | null;
  readonly generation: number;
  /** Whether it sees a write depends on the table that the vCPU uses. */
  readonly isIntegrity: boolean;
}

export class Tracer {
  /** Somebody traces pages. */
  readonly isNeeded: boolean;
  readonly #memory: MemoryEntity;
  readonly #state: Editable<MemoryState>;
  readonly #clients: readonly Tracing[];
  readonly #gigabytes: Bitmap;
  readonly #megabytes: Bitmap;
  readonly #alerts: WriteAlert[] = [];
  #saidStale = false;

  constructor(memory: MemoryEntity) {
    this.#memory = memory;
    this.#state = memory.edit();
    const { clients } = memory.volatile;
    this.isNeeded = clients.length > 0;
    this.#clients = clients.map((client, at) => ({
      at,
      name: client.name,
      seesLoads: client.mode === "accesses",
      keeps: client.keeps,
      vcpusBy: client.vcpusBy,
      owner: client.owner,
      armed: clientBitmap(memory, client.name, "armed"),
      dirty: clientBitmap(memory, client.name, "dirty"),
      pending: client.pending === null ? null : clientBitmap(memory, client.name, "pending"),
      generation: client.pending?.generation ?? 0,
      isIntegrity: client.name === INTEGRITY_CLIENT,
    }));
    this.#gigabytes = splits(memory, "1GiB");
    this.#megabytes = splits(memory, "2MiB");
  }

  /** The last access does not proceed (held.ts). */
  get isHeld(): boolean {
    return this.#state.held !== null;
  }

  /** To be called before the access proceeds; what the vCPU has to pay, in nanoseconds. */
  access(page: number, vcpu: number, writes: boolean): number {
    let isHit = false;
    // A device of a modelled guest goes on while an access of a vCPU is held.
    const wasHeld = this.isHeld;
    for (const client of this.#clients) {
      if (!writes && !client.seesLoads) continue;
      if (client.vcpusBy !== undefined && vcpu === DEVICE) continue;
      if (!this.#takes(client, page, vcpu)) continue;
      if (client.vcpusBy !== "hardware") isHit = true;
      this.#state.clients[client.at]!.hits++;
      if (client.isIntegrity) continue;
      if (writes || client.seesLoads) client.dirty.add(page);
      if (client.owner >= 0) this.#tell(client, page, vcpu, writes);
      // It comes again: the other clients see it then.
      if (!wasHeld && this.isHeld) return 0;
    }
    return isHit ? this.#price(page, vcpu) : 0;
  }

  /** Some of the accesses since the last `confirm` raise alerts, if they happen. */
  get isAlarming(): boolean {
    return this.#alerts.length > 0;
  }

  /** The accesses since the last time happen now, those of vCPUs `where`; whether some raise alerts. */
  confirm(where: { readonly pc?: string; readonly progress?: number } = {}): boolean {
    if (this.#alerts.length === 0) return false;
    const known = this.#state.tables!.alerts;
    for (const alert of this.#alerts.splice(0)) {
      known.push(alert.vcpu === DEVICE ? alert : { ...alert, ...where });
    }
    return true;
  }

  /** They come again: something else holds one of them. */
  forget(): void {
    this.#alerts.length = 0;
  }

  /** Which accesses to a page somebody would see now, or once vCPUs have flushed. */
  seen(page: number): "none" | "stores" | "accesses" {
    let seen: "none" | "stores" = "none";
    for (const { armed, pending, seesLoads } of this.#clients) {
      if (!armed.has(page) && !(pending?.has(page) ?? false)) continue;
      if (seesLoads) return "accesses";
      seen = "stores";
    }
    return seen;
  }

  /** Whether the client has a trace on the page that this vCPU cannot pass by; takes it off. */
  #takes(tracing: Tracing, page: number, vcpu: number): boolean {
    const { armed, pending, generation, keeps, isIntegrity } = tracing;
    if (isIntegrity) return armed.has(page) && this.#isAlarming(page, vcpu);
    if (armed.has(page)) return keeps || armed.delete(page);
    if (pending === null || !pending.has(page)) return false;
    if (vcpu !== DEVICE && this.#state.flushed[vcpu]! < generation) return this.#isStale();
    return keeps || pending.delete(page);
  }

  /** The vCPU still has the entry from before: nobody sees the access. */
  #isStale(): false {
    if (!this.#saidStale) this.#memory.notice("sometimes", { name: STALE_ENTRY });
    this.#saidStale = true;
    return false;
  }

  #isAlarming(page: number, vcpu: number): boolean {
    const alert = judgeWrite(this.#state.tables!, page, vcpu);
    if (alert !== undefined) this.#alerts.push(alert);
    return alert !== undefined;
  }

  #tell(client: Tracing, page: number, vcpu: number, writes: boolean): void {
    const { world, id } = this.#memory;
    const owner = world.entityOrNone(client.owner);
    if (owner === undefined) return;
    const hit: TraceHit = { memory: id, client: client.name, page, vcpu, writes };
    world.call(owner, "trace-hit", hit as Plain);
  }

  /** The fault, and breaking down the entries above the page on its first one. */
  #price(page: number, vcpu: number): number {
    const { costs } = this.#memory.config;
    const { figures } = this.#state;
    let splitting = 0;
    if (this.#gigabytes.add(Math.floor(page / GRANULARITIES["1GiB"]))) splitting++;
    if (this.#megabytes.add(Math.floor(page / GRANULARITIES["2MiB"]))) splitting++;
    figures.splits += splitting;
    figures.faults++;
    const addedNs = this.#state.hitNs;
    this.#state.hitNs = 0;
    return vcpu === DEVICE ? 0 : costs.faultNs + splitting * costs.splitNs + addedNs;
  }
}

/** Entries of 1 GiB, or of 2 MiB, that have been replaced by tables of smaller ones. */
export const splits = (memory: MemoryEntity, size: "2MiB" | "1GiB"): Bitmap =>
  bitmapOf(memory, `split.${size}`, Math.ceil(memory.config.pages / GRANULARITIES[size]));
