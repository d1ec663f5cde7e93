/**
 * What modelled guests have in common: they boot, check after a crash that everything acknowledged
 * is still there, answer errors by trying again, check every read, and shut down in good order.
 *
 * Must hold: after a crash nothing else is done before the whole of what was written has been read
 * back and flushed, so that a loss is found even where the workload would never look.
 */
import { MS, type PlainObject, type Plain } from "../kernel/index.ts";
import type { GuestInput } from "./guest.ts";
import type { BlockWish, Completed, Guest } from "./guest-handle.ts";
import type { GuestKind } from "./guest-kind.ts";
import { beginVerify, verified, type VerifyConfig } from "./verify.ts";

export type ModelledConfig = PlainObject &
  VerifyConfig & {
    /** Own time from `preboot` until `postboot`. */
    readonly bootNs: number;
  };

/** What a kind of modelled guest adds. Tags are its own; retries are done before `done` hears. */
export interface ModelledKind<
  C extends ModelledConfig,
  S extends PlainObject,
  J extends PlainObject,
> {
  readonly kind: string;
  readonly state: (config: C) => S;
  readonly journal: (config: C) => J;
  /** Booted, and checked if there was a crash. */
  readonly begin: (guest: Guest<C, S, J>) => void;
  readonly timer: (guest: Guest<C, S, J>, tag: never) => void;
  /** A request was answered, or given up after the last attempt. */
  readonly done: (guest: Guest<C, S, J>, done: Completed) => void;
  readonly computed?: (guest: Guest<C, S, J>, tag: never) => void;
}

const ATTEMPTS = 6;
const RETRY_NS = 10 * MS;

type Retry = BlockWish & { readonly tag: Plain; readonly attempt: number };

export function modelledGuest<
  C extends ModelledConfig,
  S extends PlainObject,
  J extends PlainObject,
>(kind: ModelledKind<C, S, J>): GuestKind<C, S, J> {
  return {
    kind: kind.kind,
    state: kind.state,
    journal: kind.journal,
    deliver: (guest, input) => deliver(kind, guest, input),
  };
}

function deliver<C extends ModelledConfig, S extends PlainObject, J extends PlainObject>(
  kind: ModelledKind<C, S, J>,
  guest: Guest<C, S, J>,
  input: GuestInput,
): void {
  const { common } = guest;
  switch (input.kind) {
    case "start":
      common.stage = "booting";
      guest.lifecycle("preboot");
      return guest.timer(guest.config.bootNs, { boot: input.crashed });
    case "timer":
      return onTimer(kind, guest, input.tag);
    case "block-done": {
      const done = guest.complete(input);
      return done === undefined ? undefined : onBlock(kind, guest, done);
    }
    case "cpu-done":
      if (common.stage === "running") kind.computed?.(guest, input.tag as never);
      return;
    case "packet":
      return guest.received(input);
    case "shutdown":
      return shutDown(guest);
    case "resumed":
      return;
    case "resized":
      return grown(guest, input.disk, input.sectors);
  }
}

function onTimer<C extends ModelledConfig, S extends PlainObject, J extends PlainObject>(
  kind: ModelledKind<C, S, J>,
  guest: Guest<C, S, J>,
  tag: Plain,
): void {
  const { common } = guest;
  const known = tag as { boot?: boolean; retry?: Retry };
  if (known.boot !== undefined) {
    guest.lifecycle("postboot");
    if (!known.boot) return begin(kind, guest);
    common.stage = "verifying";
    if (beginVerify(guest)) begin(kind, guest);
  } else if (known.retry !== undefined) {
    guest.block(known.retry, known.retry.tag, known.retry.attempt);
  } else if (common.stage === "running") {
    kind.timer(guest, tag as never);
  }
}

function onBlock<C extends ModelledConfig, S extends PlainObject, J extends PlainObject>(
  kind: ModelledKind<C, S, J>,
  guest: Guest<C, S, J>,
  done: Completed,
): void {
  const { stage } = guest.common;
  if (!done.ok && done.attempt + 1 < ATTEMPTS) {
    const { disk, op, sector, sectors, tag } = done;
    const retry = { disk, op, sector, sectors, tag, attempt: done.attempt + 1 };
    guest.timer(RETRY_NS * (1 << done.attempt), { retry });
  } else if (stage === "verifying") {
    if (verified(guest, done)) begin(kind, guest);
  } else if (stage === "stopping") {
    if (Object.keys(guest.common.open).length === 0) halt(guest);
  } else if (done.tag === GROWN) {
    if (done.op === "write") guest.block({ ...done, op: "read" }, GROWN);
    else guest.lifecycle("disk-grown");
  } else if (stage === "running") {
    kind.done(guest, done);
  }
}

/** Tag of the requests with which a guest tries what it was given. */
const GROWN = "grown";
const TRIED_SECTORS = 8;

/** Writes the new end of the disk and reads it back, as growing a file system would. */
function grown(
  guest: Pick<Guest, "common" | "history" | "block">,
  disk: number,
  sectors: number,
): void {
  guest.history(disk).grow(sectors);
  if (guest.common.stage !== "running") return;
  const sector = sectors - TRIED_SECTORS;
  guest.block({ disk, op: "write", sector, sectors: TRIED_SECTORS }, GROWN);
}

function begin<C extends ModelledConfig, S extends PlainObject, J extends PlainObject>(
  kind: ModelledKind<C, S, J>,
  guest: Guest<C, S, J>,
): void {
  guest.common.stage = "running";
  guest.lifecycle("application-start");
  kind.begin(guest);
}

/** What is under way is left to end, then everything is flushed. */
function shutDown(guest: Pick<Guest, "common" | "lifecycle" | "block" | "spec" | "outputs">): void {
  const { common, spec } = guest;
  if (common.stage === "stopping" || common.stage === "halted") return;
  if (common.stage === "running") guest.lifecycle("application-exit");
  common.stage = "stopping";
  guest.lifecycle("shutdown");
  spec.disks.forEach((_, disk) => {
    guest.block({ disk, op: "flush", sector: 0, sectors: 0 }, "last flush");
  });
  if (spec.disks.length === 0) halt(guest as Guest);
}

function halt(guest: Pick<Guest, "common" | "halt">): void {
  guest.common.stage = "halted";
  guest.halt();
}
