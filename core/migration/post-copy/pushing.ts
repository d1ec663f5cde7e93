/**
 * The source's part of a post-copy move, once the machine runs at its destination: it pushes all pages
 * in order, and answers for those that the machine needs at once.
 *
 * Must hold: memory stands as it was when the machine was stopped, and is kept until the destination
 * has all of it, or the machine has ended there.
 */
import {
  ask,
  done,
  type Entity,
  fail,
  go,
  type Plain,
  type PlainObject,
  type Refusal,
  type Request,
  type Step,
  wait,
} from "../../kernel/index.ts";
import {
  clientBitmap,
  departRun,
  knownMemory,
  leaveRun,
  memoryOf,
  type VmEntity,
  type VmRecord,
} from "../../vmm/index.ts";
import type { AgentEntity } from "../coming.ts";
import { type MigrateState, type Op, packRanges, sendOf } from "../moving.ts";
import { endRound } from "../rounds.ts";
import { groupsOf } from "../scan.ts";
import { tellMedia } from "../local-disks/mirrors.ts";
import { agentOf, ANSWER_NS, CLIENT, PAGE_BYTES } from "../settings.ts";
import type { FetcherFigures } from "./fetcher.ts";

const AGAIN_NS = 100_000_000;

type Range = { readonly page: number; readonly pages: number };

/** What the destination says of its pages. */
export type Lacks = { readonly ranges: readonly Range[]; readonly figures: FetcherFigures };

const otherwise = { timeoutNs: ANSWER_NS, otherwise: "notHeard" } as const;

export const pushPhases = {
  /** The next pages in order that were not fetched. */
  push(host: Entity, op: Op): Step {
    const left = leftOf(op);
    if (left === undefined || hasEnded(op, left)) return lost(host, op);
    const stretch = sendOf(host, op, left, clientBitmap(memoryOf(left), CLIENT, "taken"), null);
    if (stretch === undefined) return go("askLacks");
    const { bytes, message } = stretch;
    const to = agentOf(host, op.params.to).id;
    return ask(to, "pages", message as unknown as Plain, "pushed", { ...otherwise, bytes });
  },

  pushed(host: Entity, op: Op): Step {
    const { bytes, sinceNs, bitsPerSecond } = op.state.round;
    const dueNs = sinceNs + Math.ceil((bytes * 8e9) / bitsPerSecond);
    return wait(Math.max(0, dueNs - host.simulatedNs), "push");
  },

  askLacks(host: Entity, op: Op): Step {
    const left = leftOf(op);
    if (left === undefined || hasEnded(op, left)) return lost(host, op);
    const body = { vm: op.params.vm, source: op.entity.id };
    return ask(agentOf(host, op.params.to).id, "lacks", body, "lacks", otherwise);
  },

  /** No answer says nothing; whoever knows of nothing has all, or has lost the machine. */
  notHeard(host: Entity, op: Op, { code }: Refusal): Step {
    const left = leftOf(op);
    if (code === "timeout" && left !== undefined) return wait(AGAIN_NS, "askLacks");
    return left !== undefined && !hasEnded(op, left)
      ? finish(host, op, left, null)
      : lost(host, op);
  },

  lacks(host: Entity, op: Op, { ranges, figures }: Lacks): Step {
    const left = leftOf(op);
    if (left === undefined) return lost(host, op);
    if (ranges.length === 0) return finish(host, op, left, figures);
    const taken = clientBitmap(memoryOf(left), CLIENT, "taken");
    taken.clear();
    for (const { page, pages } of ranges) taken.addRange(page, pages);
    op.edit().scan.next = 0;
    return go("push");
  },
};

/** The machine runs at its destination: what is left of it here is its memory. */
export function beginPush(host: Entity, op: Op, resumedNs: number): Step {
  const left = leftOf(op);
  if (left === undefined) return lost(host, op);
  const { held } = op.state;
  leaveRun(left, held);
  const { pages } = memoryOf(left).config;
  clientBitmap(memoryOf(left), CLIENT, "taken").addRange(0, pages);
  const state = op.edit();
  state.resumedNs = resumedNs;
  state.isPushing = true;
  state.scan = { groups: groupsOf(pages), factor: 1, offset: 0, next: 0 };
  const { maxBitsPerSecond: bitsPerSecond } = op.params.settings;
  state.round = { sinceNs: host.simulatedNs, bytes: 0, bitsPerSecond };
  return go("push");
}

/** What is left of the run on this host. */
const leftOf = (op: Op): VmEntity | undefined =>
  op.entity.world.entityOrNone(op.params.instance) as unknown as VmEntity | undefined;

/** The outside world knows that it does not run any more, or that another run does. */
function hasEnded(op: Op, left: VmEntity): boolean {
  const record = op.entity.world.entity(left.config.record) as unknown as VmRecord;
  const { power, run } = record.durable;
  return power === "off" || run !== left.config.run;
}

/** It ended there in good order, and needs no page any more. */
function hasShutDown(op: Op, left: VmEntity): boolean {
  const record = op.entity.world.entity(left.config.record) as unknown as VmRecord;
  return record.durable.run === left.config.run && record.durable.ended === "shutdown";
}

function finish(host: Entity, op: Op, left: VmEntity, figures: FetcherFigures | null): Step {
  endRound(host, op, 0);
  departRun(left);
  tellMedia(host, op);
  const { rounds, startedNs, stoppedNs, resumedNs = 0, diskBytes, referredPages } = op.state;
  const fetched = (figures?.fetchedPages ?? 0) * PAGE_BYTES;
  return done({
    rounds,
    totalNs: host.simulatedNs - startedNs,
    downtimeNs: resumedNs - stoppedNs,
    bytesSent: rounds.reduce((sum, { bytes }) => sum + bytes, 0) + fetched,
    skippedPages: 0,
    forced: false,
    ...(diskBytes !== undefined && { diskBytes }),
    ...(referredPages !== undefined && { referredPages }),
    ...figures,
  });
}

/** The machine is lost with its destination, and is started again by whoever restarts machines. */
function lost(host: Entity, op: Op): Step {
  const left = leftOf(op);
  if (left !== undefined && hasShutDown(op, left)) return finish(host, op, left, null);
  const { vm, to } = op.params;
  op.entity.send(agentOf(host, to).id, "drop", { vm, source: op.entity.id });
  if (left !== undefined) departRun(left);
  tellMedia(host, op);
  return fail("destination-lost");
}

type Fetch = { readonly vm: string; readonly source: number; readonly page: number } & {
  readonly pages: number;
};

/** The machine waits for pages at its destination. */
export function answerFetch(self: AgentEntity, request: Request<Fetch & PlainObject>): void {
  const { source, page, pages } = request.body;
  const op = self.world.entityOrNone(source);
  const isOurs = op?.domain === self.domain && op.kind === "operation:migrate";
  const params = isOurs ? (op.config as { params: PlainObject }).params : undefined;
  const state = isOurs ? (op.volatile as { state: MigrateState }).state : undefined;
  const left = self.world.entityOrNone((params?.["instance"] as number | undefined) ?? -1);
  const memory = left === undefined ? undefined : knownMemory(left as unknown as VmEntity);
  if (state?.isGiven !== true || memory === undefined) return self.refuse(request, "unknown");
  if (state.isPushing === true) {
    const taken = clientBitmap(memory, CLIENT, "taken");
    for (let each = page; each < page + pages; each++) taken.delete(each);
  }
  const packed = packRanges(memory, [{ page, pages }]);
  const bytes = pages * PAGE_BYTES;
  self.reply(request, { packed } as unknown as Plain, { bytes });
}
