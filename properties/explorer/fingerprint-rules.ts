/**
 * Members of state that do not matter as they are, each with the reason. Times count from now on;
 * what is read only to tell things apart, or only for a figure, is left out or counted backwards.
 */
import type { Entity, Plain, PlainObject } from "../../core/kernel/index.ts";

export interface Context {
  readonly nowNs: number;
  /** No operation is under way. */
  readonly isIdle: boolean;
  /** Place of each pending timer among all pending events, by its handle. */
  readonly timers: ReadonlyMap<number, number>;
  /** Number of the next request of an entity. */
  readonly nextAsk: (id: number) => number;
  /** `target`: who it is for, where it is a message. */
  readonly walk: (value: Plain | undefined, rules: Rules | undefined, target?: number) => Plain;
}

export type Rule = (value: Plain, context: Context) => Plain;
export type Rules = Rule | { readonly [member: string]: Rules };

/** A moment: how far it is from now. What was never set, or stands for nothing, is not a moment. */
const moment: Rule = (value, { nowNs }) =>
  typeof value === "number" && value > 0 ? `${value - nowNs}` : value;

/** Only whether it lies ahead matters, and how far: its reader takes the later of it and now. */
const deadline: Rule = (value, { nowNs }) => Math.max(0, (value as number) - nowNs);

/** A length of time, or a time on a clock that starts with its owner. */
const duration: Rule = (value) => value;

/** Nothing that decides reads it: it goes into figures, notices or hashes of what was. */
const unread: Rule = () => null;

/** A handle is good for cancelling; of one that is no longer pending nothing is left to cancel. */
const timer: Rule = (value, { timers }) => timers.get(value as number) ?? -1;

/** The end of a stream that has arrived constrains nothing, and its place is free for another. */
const arrivals: Rule = (value, { nowNs }) =>
  (value as readonly { from: number; to: number; atNs: number }[])
    .filter(({ atNs }) => atNs > nowNs)
    .map(({ from, to, atNs }) => [from, to, atNs - nowNs]);

/** Since when it stands still is read only while it does. */
const vm: Rule = (value, { walk }) => {
  const state = value as PlainObject;
  const since = (state["stuns"] as number) > 0 ? state["stunnedSinceNs"]! : 0;
  return walk(
    { ...state, stunnedSinceNs: since },
    {
      startedNs: moment,
      stunnedSinceNs: moment,
      stunnedNs: duration,
      timers: { "*": { handle: timer, dueNs: duration } },
    },
  );
};

/** Its operations are numbered to find them again. */
const arrayState: Rule = (value, { walk }) => {
  const { nextOp, ...state } = value as PlainObject;
  const ago: Rule = (id) => (typeof id === "number" && id > 0 ? (nextOp as number) - id : id);
  return walk(state, {
    active: { "*": { id: ago, arrivedNs: moment, io: { body: { value: { beat: unread } } } } },
    waiting: { "*": { id: ago, arrivedNs: moment, io: { body: { value: { beat: unread } } } } },
    sessions: { "*": { seen: { "*": { id: ago } } } },
  });
};

/**
 * How often a host has given a sign of life is read by who waits for its disks, and only for whether it
 * changes: without operations nobody has an earlier number to hold it against.
 */
const files: Rule = (value, { isIdle, walk }) => {
  const all = Object.entries(value as { [file: string]: PlainObject });
  const read = all.map(([name, file]): readonly [string, PlainObject] =>
    isIdle && name.endsWith(".heartbeat") ? [name, { ...file, version: null }] : [name, file],
  );
  return walk(Object.fromEntries(read), { "*": { value: { beat: unread } } });
};

/** Whether it was the first. */
const beats: Rule = (value) => (value as number) > 0;

/** A clock that neither drifts nor was set shows true time, whatever it is counted from. */
const clock: Rule = (value, { walk }) => {
  const { sinceNs, ...state } = value as PlainObject;
  const isTrue = Object.values(state).every((each) => each === 0);
  return isTrue ? "true" : walk({ sinceNs: sinceNs!, ...state }, { offsetNs: duration });
};

export const RULES: { readonly [kind: string]: { readonly [member: string]: Rules } } = {
  array: { durable: { files }, volatile: arrayState },
  cpu: { volatile: { floorNs: duration } },
  "disk-keeper": { volatile: { beating: { "*": { rules: { "*": duration }, beats } } } },
  host: { durable: { clock } },
  initiator: { volatile: { outstanding: { "*": { arrivedNs: moment } } } },
  link: { durable: { directions: { "*": { busyUntilNs: deadline, arrivals } } } },
  nic: { durable: { sendingUntilNs: deadline, receivingUntilNs: deadline } },
  vm: { volatile: vm },
  // The log of what was put out is an output itself.
  "vm-record": { durable: { outputs: unread, steps: unread } },
  "operation:acquire-disk": {
    volatile: { state: { waitingSinceNs: moment, watched: { sinceNs: moment } } },
  },
  "operation:consolidate": {
    volatile: {
      state: {
        startedNs: moment,
        stunnedAtNs: moment,
        stunNs: duration,
        longestStunNs: duration,
      },
    },
  },
  "operation:snapshot": { volatile: { state: { stunnedAtNs: moment } } },
  "@ask": { timer, tag: { sentNs: unread } },
  // What was reached is gathered from all runs; a violation is known by its invariant and entity.
  "@checker": { violations: unread, reached: unread, openSinceNs: { "*": moment } },
};

/** Arguments of handlers that are numbers of their own. */
export const PENDING: {
  readonly [handler: string]: (value: Plain, target: Entity, context: Context) => Plain;
} = {
  "array.served": (id, { volatile }) => (volatile as { nextOp: number }).nextOp - (id as number),
  "@timed-out": (askId, { id }, { nextAsk }) => nextAsk(id) - (askId as number),
  // The step's number is what the search itself counts.
  "driver.step": () => null,
  "array.file-write": (value, { id }, { walk }) =>
    walk(value, { body: { value: { beat: unread } } }, id),
  "driver.ended": (value, _, { walk }) => walk(value, { figures: unread }),
};
