/**
 * What must hold of protected machines, as somebody outside sees it: told by what left, by what the
 * backup had taken in at that moment, and by who had won.
 */
import {
  always,
  canonicalBytes,
  type Finding,
  hash64,
  hashHex,
  type Invariant,
  sometimes,
} from "../kernel/index.ts";
import { OUTPUT_NOTICE } from "./outputs.ts";
import { PROTECTION_NOTICE } from "./protection.ts";

type Told = {
  readonly vm: string;
  readonly run: number;
  readonly event: string;
  readonly host?: string;
  readonly received?: number;
  readonly outputs?: number;
};

type Left = {
  readonly vm: string;
  readonly run: number;
  readonly host: string;
  readonly number: number;
  readonly entry: number;
  readonly hash: string;
};

/** Of each run: outputs that were told, and the one that last left again, in its event. */
type ToldOnce = {
  told: { [run: string]: { next: number; again: { event: number; hash: string } | null } };
};

type Live = { live: { [run: string]: string } };
type Decided = { decided: { [run: string]: boolean } };
type Received = { received: { [run: string]: number } };
type Seen = { seen: { [run: string]: { next: number; hashes: { [number: string]: string } } } };

/** Outputs of which it is remembered what they were: far more than can ever be held. */
const REMEMBERED = 256;

const hashOf = (output: { readonly kind: string; readonly event: string }): string =>
  hashHex(hash64(canonicalBytes(output)));

const runOf = ({ vm, run }: { readonly vm: string; readonly run: number }) => `${vm} ${run}`;

export const faultToleranceInvariants: readonly Invariant[] = [
  always("output leaves after the backup has acknowledged all before it", {
    mechanism: "fault-tolerance",
    shadow: { received: {}, live: {} },
    observes: {
      [PROTECTION_NOTICE]: (_entity, data, _world, editShadow): void => {
        const told = data as unknown as Told;
        const { received, live } = editShadow() as unknown as Received & Live;
        if (told.event === "received") received[runOf(told)] = told.received!;
        if (told.event === "live") live[runOf(told)] = told.host!;
      },
      [OUTPUT_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const { vm, host, number, entry, run } = data as unknown as Left;
        const { received, live } = editShadow() as unknown as Received & Live;
        const key = runOf({ vm, run });
        const has = received[key] ?? 0;
        if (live[key] !== undefined || has >= entry) return undefined;
        const message = `output ${number} of ${vm} left ${host} at step ${entry}, the backup has ${has}`;
        return { message, fields: { vm, run, number, entry, received: has } };
      },
    },
  }),
  always("one instance of a protected machine at most is live", {
    mechanism: "fault-tolerance",
    shadow: { live: {}, decided: {}, received: {} },
    observes: {
      [PROTECTION_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const told = data as unknown as Told;
        const { event, host, vm } = told;
        const { live, decided, received } = editShadow() as unknown as Live & Received & Decided;
        if (event === "received") received[runOf(told)] = told.received!;
        if (event !== "begun" && event !== "live") return undefined;
        const before = decided[runOf(told)] === true ? live[runOf(told)] : undefined;
        live[runOf(told)] = host!;
        if (event === "live") decided[runOf(told)] = true;
        if (before === undefined || before === host) return undefined;
        return { message: `${vm} went live on ${host} while it was on ${before}` };
      },
      [OUTPUT_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const left = data as unknown as Left;
        const shadow = editShadow() as unknown as Live & Received;
        const live = shadow.live[runOf(left)];
        const { vm, number, host, entry } = left;
        // An acknowledgement that was long on its way: the same output leaves the live one as well.
        const isKnown = entry <= (shadow.received[runOf(left)] ?? 0);
        if (live === undefined || live === host || isKnown) return undefined;
        return { message: `output ${number} of ${vm} left ${host}, while it is live on ${live}` };
      },
    },
  }),
  always("the output seen outside is that of one machine", {
    mechanism: "fault-tolerance",
    shadow: { seen: {} },
    observes: {
      [OUTPUT_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const left = data as unknown as Left;
        const { seen } = editShadow() as unknown as Seen;
        const of = (seen[runOf(left)] ??= { next: 0, hashes: {} });
        const { vm, number, hash, host } = left;
        if (number > of.next) {
          return { message: `output ${number} of ${vm} left ${host}, ${of.next} never did` };
        }
        const before = of.hashes[number];
        if (number < of.next) {
          if (before === undefined || before === hash) return undefined;
          return { message: `output ${number} of ${vm} left ${host} again, and is another one` };
        }
        of.hashes[number] = hash;
        of.next = number + 1;
        delete of.hashes[number - REMEMBERED];
        return undefined;
      },
    },
  }),
  always("what the outside world was told it is not told again", {
    mechanism: "fault-tolerance",
    shadow: { told: {} },
    observes: {
      [OUTPUT_NOTICE]: (_entity, data, world, editShadow): void => {
        const left = data as unknown as Left;
        const { told } = editShadow() as unknown as ToldOnce;
        const of = (told[runOf(left)] ??= { next: 0, again: null });
        const { number, hash } = left;
        of.again = number < of.next ? { event: world.eventCount, hash } : null;
        of.next = Math.max(of.next, number + 1);
      },
      // In the event in which it leaves, after the notice of its leaving.
      lifecycle: (_entity, data, world, editShadow): Finding | undefined => {
        const { vm, run, event } = data as { vm: string; run: number; event: string };
        const { told } = editShadow() as unknown as ToldOnce;
        const again = told[runOf({ vm, run })]?.again ?? null;
        if (again?.event !== world.eventCount) return undefined;
        if (again.hash !== hashOf({ kind: "lifecycle", event })) return undefined;
        return { message: `${vm} told ${event} again`, fields: { vm, run } };
      },
    },
  }),
  always("a backup can go on from what was seen outside", {
    mechanism: "fault-tolerance",
    shadow: { seen: {} },
    observes: {
      [OUTPUT_NOTICE]: (_entity, data, _world, editShadow): void => {
        const left = data as unknown as Left;
        const { seen } = editShadow() as unknown as { seen: { [run: string]: number } };
        seen[runOf(left)] = Math.max(seen[runOf(left)] ?? 0, left.number + 1);
      },
      [PROTECTION_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const told = data as unknown as Told;
        if (told.event !== "goes-on") return undefined;
        const { seen } = editShadow() as unknown as { seen: { [run: string]: number } };
        const number = seen[runOf(told)] ?? 0;
        if (told.outputs! >= number) return undefined;
        const message = `${told.vm} goes on at output ${told.outputs}, ${number} were seen`;
        return { message };
      },
    },
  }),
  always("a backup takes the steps of its primary", {
    mechanism: "fault-tolerance",
    observes: {
      [PROTECTION_NOTICE]: (_entity, data): Finding | undefined => {
        const { event, vm } = data as unknown as Told;
        if (event !== "diverged") return undefined;
        return { message: `the copy of ${vm} put out what it did not`, fields: data as never };
      },
    },
  }),
  // Named for the operation without which there is nothing to be reached.
  sometimes("a failover with outputs that were held", { mechanism: "protect" }),
  sometimes("a failover with disk requests outstanding", { mechanism: "protect" }),
  sometimes("a primary waits for its backup", { mechanism: "protect" }),
  sometimes("a vote waits for the array", { mechanism: "protect" }),
  sometimes("a primary goes on without its backup", { mechanism: "protect" }),
];
