/**
 * A guest while an input is delivered to it: its state, its journal, and what it can do. Made anew
 * for each delivery, over data that lives elsewhere: in the world's stores, or with a lone guest.
 */
import {
  assert,
  type ContentRun,
  type Distribution,
  type Editable,
  type Plain,
  type PlainObject,
  type SectorContent,
  stampBase,
} from "../kernel/index.ts";
import type {
  BlockDone,
  Finding,
  GuestCheck,
  GuestDraw,
  GuestInputs,
  GuestJournal,
  GuestOutput,
  GuestSpec,
  GuestState,
  OpenRequest,
  PacketInput,
  TouchOutput,
} from "./guest.ts";
import { DiskHistory } from "./history/disk-history.ts";
import { NEVER } from "./history/recent-write.ts";
import type { IntegrityAnswer, IntegrityEvent } from "./integrity/integrity-state.ts";

/** Where a guest's data lives. */
export interface GuestHome {
  readonly spec: GuestSpec;
  readonly inputs: GuestInputs;
  readonly state: Editable<GuestState>;
  readonly journal: Editable<GuestJournal>;
  /** Content that is settled on each disk, as the journal knows it. */
  readonly settled: (disk: number) => SectorContent;
  readonly draw: GuestDraw;
  /** The guest's own time: since power-on, without what it was stunned. */
  readonly nowNs: number;
}

/** A request as the guest makes it; writes get their content here. */
export type BlockWish = {
  readonly disk: number;
  readonly op: OpenRequest["op"];
  readonly sector: number;
  readonly sectors: number;
};

export type Completed = OpenRequest & { readonly ok: boolean; readonly code: string };

/** After these a write takes no effect any more. */
const OVER = new Set(["io-error", "no-space", "out-of-range"]);

/** Of what they are numbers: one that is lost must not be missed among those of a stream. */
const numbersOf = (peer: string, delivery: "datagram" | "stream"): string =>
  delivery === "stream" ? peer : `${peer} datagrams`;

export class Guest<
  C extends PlainObject = PlainObject,
  S extends PlainObject = PlainObject,
  J extends PlainObject = PlainObject,
> {
  readonly outputs: GuestOutput[] = [];
  readonly #home: GuestHome;

  constructor(home: GuestHome) {
    this.#home = home;
  }

  get spec(): GuestSpec {
    return this.#home.spec;
  }

  get config(): C {
    return this.#home.spec.config as C;
  }

  get inputs(): GuestInputs {
    return this.#home.inputs;
  }

  get nowNs(): number {
    return this.#home.nowNs;
  }

  /** State common to all kinds: stage, open requests. */
  get common(): Editable<GuestState> {
    return this.#home.state;
  }

  get commonJournal(): Editable<GuestJournal> {
    return this.#home.journal;
  }

  get state(): Editable<S> {
    return this.#home.state.own as Editable<S>;
  }

  get journal(): Editable<J> {
    return this.#home.journal.own as Editable<J>;
  }

  draw(purpose: string, distribution: Distribution): number {
    return this.#home.draw(purpose, distribution);
  }

  history(disk: number): DiskHistory {
    const journal = this.#home.journal.disks[disk];
    assert(journal, () => `${this.spec.vm} has no disk ${disk}`);
    return new DiskHistory(this.#home.settled(disk), journal);
  }

  // --- what it can do -----------------------------------------------------------------------

  timer(delayNs: number, tag: Plain): void {
    this.outputs.push({ kind: "timer", delayNs, tag });
  }

  cpu(thread: number, workNs: number, tag: Plain): void {
    this.outputs.push({ kind: "cpu", vcpu: thread % this.spec.vcpus, workNs, tag });
  }

  touch(touched: Omit<TouchOutput, "kind">): void {
    this.outputs.push({ kind: "touch", ...touched });
  }

  /** A vCPU, or a device (-1), writes these pages now. */
  store(by: number, page: number, pages: number): void {
    this.outputs.push({ kind: "store", by, page, pages });
  }

  /** Its host hears of integrity mode, or of what it refused. */
  integrity(event: IntegrityEvent): void {
    this.outputs.push({ kind: "integrity", event });
  }

  /** The host hears of a refused call; whether it was carried out. */
  answered(vcpu: number, answer: IntegrityAnswer): boolean {
    if (answer.ok) return true;
    const { message, offence } = answer;
    if (offence === undefined) this.integrity({ what: "refused", vcpu, message });
    else this.integrity({ what: "offence", offence, vcpu, message });
    return false;
  }

  lifecycle(event: string): void {
    this.outputs.push({ kind: "lifecycle", event });
  }

  halt(): void {
    this.outputs.push({ kind: "halt" });
  }

  finding(check: GuestCheck, message: string, fields: Finding["fields"]): void {
    this.outputs.push({ kind: "finding", check, message, fields });
  }

  /** Sends a message to another virtual machine. */
  send(to: string, bytes: number, delivery: "datagram" | "stream"): void {
    const { sent } = this.#home.journal;
    const numbers = numbersOf(to, delivery);
    const sequence = (sent[numbers] ?? 0) + 1;
    sent[numbers] = sequence;
    this.outputs.push({ kind: "send", to, sequence, bytes, delivery });
  }

  /** Sends a block request; what a write holds is stamped so that no other write has the same. */
  block(wish: BlockWish, tag: Plain, attempt = 0): void {
    const { disk, op, sector, sectors } = wish;
    const { state, journal } = this.#home;
    const issued = journal.clock++;
    const id = state.nextRequest++;
    state.open[id] = { disk, op, sector, sectors, issued, attempt, tag: tag as never };
    if (op === "flush") return this.#output(id, disk, { op });
    if (op !== "write") {
      if (op === "discard") this.history(disk).sent(sector, sectors, 0, issued);
      return this.#output(id, disk, { op, sector, sectors });
    }
    const diskJournal = journal.disks[disk]!;
    const stamp = stampBase(this.spec.disks[disk]!.number, diskJournal.nextStamp, sectors);
    diskJournal.nextStamp += sectors;
    this.history(disk).sent(sector, sectors, stamp, issued);
    const runs: ContentRun[] = [{ kind: "stamp", sectors, stamp }];
    this.#output(id, disk, { op, sector, sectors, runs });
  }

  // --- what came back -----------------------------------------------------------------------

  /** Takes an answer into the history and checks it. Undefined: it answers nothing that is open. */
  complete(input: BlockDone): Completed | undefined {
    const { state, journal } = this.#home;
    const open = state.open[input.id] as OpenRequest | undefined;
    if (open === undefined) return undefined;
    delete state.open[input.id];
    const clock = journal.clock++;
    const history = this.history(open.disk);
    if (!input.ok) {
      const changes = open.op === "write" || open.op === "discard";
      if (changes) history.failed(open.issued, clock, OVER.has(input.code));
      return completed(open, false, input.code);
    }
    const { losesUnflushed } = this.spec.disks[open.disk]!;
    if (open.op === "read") this.#check(open, input.runs, clock);
    else if (open.op === "flush") history.flushed(open.issued, this.#firstOpenRead(open.disk));
    else {
      const first = this.#firstOpenRead(open.disk);
      history.acknowledged(open.issued, clock, !losesUnflushed, first);
    }
    return completed(open, true, "");
  }

  /** Runs that stand for `as-written`. */
  expectedOf(id: number): readonly ContentRun[] | undefined {
    const open = this.#home.state.open[id] as OpenRequest | undefined;
    if (open?.op !== "read") return undefined;
    return this.history(open.disk).expected(open.sector, open.sectors);
  }

  /** Messages of a stream arrive once and in order, as far as one run of the sender goes. */
  received(packet: PacketInput): void {
    const { from, run, sequence, delivery } = packet;
    const { received } = this.#home.journal;
    const numbers = numbersOf(from, delivery);
    const before = received[numbers];
    const sameRun = before !== undefined && before.run === run;
    if (delivery === "stream" && sameRun && sequence <= before.last) {
      const message = `message ${sequence} of ${from} came after ${before.last}`;
      const fields = { from, run, sequence, last: before.last };
      this.finding("streams of messages arrive in order", message, fields);
    }
    if (before === undefined || run >= before.run) {
      const last = sameRun ? Math.max(before.last, sequence) : sequence;
      received[numbers] = { run, last };
    }
  }

  /** Takes note of a power loss, at the start of the next run. */
  crashed(): void {
    const { journal } = this.#home;
    const clock = journal.clock;
    journal.clock += 2;
    this.spec.disks.forEach((_, disk) => this.history(disk).crashed(clock));
  }

  #check(open: OpenRequest, runs: unknown, clock: number): void {
    assert(Array.isArray(runs), "a read was answered without content");
    const span = { sector: open.sector, sectors: open.sectors, issued: open.issued };
    const { mismatch } = this.history(open.disk).found(span, runs as ContentRun[], clock);
    if (mismatch === undefined) return;
    const { beforeCrash, sector, sectors, found, allowed } = mismatch;
    const disk = this.spec.disks[open.disk]!.id;
    const what = found < 0 ? "bytes nobody wrote" : `stamp ${found}`;
    const message = `${disk} sector ${sector} holds ${what}, not ${allowed.join(" or ")}`;
    const fields = { disk, sector, sectors, found, allowed };
    const check = beforeCrash
      ? "an acknowledged and flushed write survives"
      : "a guest reads what it wrote";
    this.finding(check, message, fields);
  }

  /** Clock of the oldest read that is still open. */
  #firstOpenRead(disk: number): number {
    let first = NEVER;
    const requests = this.#home.state.open;
    for (const id in requests) {
      const open = requests[id]!;
      if (open.op === "read" && open.disk === disk) first = Math.min(first, open.issued);
    }
    return first;
  }

  #output(id: number, disk: number, request: Extract<GuestOutput, { kind: "block" }>["request"]) {
    this.outputs.push({ kind: "block", id, disk, request });
  }
}

/** Written out: a spread with more members is an order of magnitude slower. */
function completed(open: OpenRequest, ok: boolean, code: string): Completed {
  const { disk, op, sector, sectors, issued, attempt, tag } = open;
  return { disk, op, sector, sectors, issued, attempt, tag, ok, code };
}
