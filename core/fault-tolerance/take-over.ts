/**
 * A follower that does not hear of its machine takes its place: by a vote on the shared array, then by
 * taking every step that it was sent, then with the disks, which are seized from the former host and
 * whose open requests are sent again. What was held, or may not have left, leaves last.
 *
 * Must hold: nothing is seen of it before the vote is won; without the array it waits.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  type OperationComponent,
  perform,
  type PlainObject,
  type Step,
  wait,
} from "../kernel/index.ts";
import { powerOn } from "../disks/index.ts";
import { spawnContinuedRun, type Vmm } from "../vmm/index.ts";
import { dismiss, followedRecord, type Follower, followerOf } from "./follower-state.ts";
import { copyToGoOn } from "./follow-guest.ts";
import { followingOf, isMachineFollowed } from "./following.ts";
import { guard } from "./guard.ts";
import type { Guard } from "./guard-state.ts";
import { PROTECTION_NOTICE } from "./protection.ts";
import { vote } from "./vote.ts";

export type TakeOverParams = { readonly vm: string; readonly follower: EntityId };

type TakeOverState = { guard: EntityId; instance: EntityId; attempts: number };
type Op = Operation<TakeOverParams & PlainObject, TakeOverState & PlainObject>;

/** How often it looks whether all steps are taken, and when it asks for the disks again. */
const REPLAY_POLL_NS = 100_000;
const RETRY_NS = 50_000_000;

/** Figures: {winner}; and of the winner {failoverNs, steps, diskRequests, outputs}. */
export function takeOverOperation(vmm: Vmm): OperationComponent {
  const following = followingOf(vmm);
  return operation<TakeOverParams & PlainObject, TakeOverState & PlainObject>(
    "fail-over",
    {
      suspect: whileFollowing((_host, _op, follower) => {
        const { vm, run, array } = follower.config;
        if (follower.volatile.received === 0) return endBeforeBegin(follower);
        return perform(vote, { vm, run, array }, "decided", "noBallot");
      }),

      decided: whileFollowing((host, _op, follower, { winner }: { readonly winner: string }) => {
        if (winner === host.name) {
          follower.edit().stage = "live";
          const { vm, run } = follower.config;
          follower.notice(PROTECTION_NOTICE, { vm, run, event: "live", host: host.name });
          return go("replay");
        }
        dismiss(follower);
        return done({ winner });
      }),

      /** The run never began, or another one has its own ballot by now. */
      noBallot: whileFollowing((_host, _op, follower) => {
        dismiss(follower);
        return done({ winner: "" });
      }),

      replay: whileFollowing((host, op, follower) => {
        const { catchUp, isThere } = following(follower);
        catchUp(follower);
        if (!isThere(follower)) return wait(REPLAY_POLL_NS, "replay");
        const { received, nextOutput } = follower.volatile;
        const isMachine = isMachineFollowed(follower);
        const copy = isMachine ? follower.volatile.copy : copyToGoOn(follower);
        const { vm, run: number, record, protection, array, settings } = follower.config;
        const opening = follower.config.powerOn;
        const pair = { vm, run: number, record, protection, array, settings };
        const from = { steps: received, outputs: nextOutput };
        const guarding = follower.spawn(guard, { ...pair, follower: -1, from });
        const place = { domain: host.domain, cpu: opening.cpu, guard: guarding.id };
        const known = host.world.entity(record) as never;
        const component = isMachine ? vmm.machine : vmm.vm;
        const run = spawnContinuedRun(component, known, place, follower as never, copy);
        const state = op.edit();
        state.guard = guarding.id;
        state.instance = run.id;
        return go("openDisks");
      }),

      openDisks: whileFollowing((_host, op, follower) => {
        const { record, config } = { record: followedRecord(follower), config: follower.config };
        const { power, run } = record.durable;
        if (power === "off" || run !== config.run) return endUnwanted(follower);
        op.edit().attempts++;
        const params = { ...config.powerOn, instance: op.state.instance };
        return perform(powerOn, params, "goOn", "again");
      }),

      again: (_host, _op, { code }: { readonly code: string }) =>
        code === "vm-off" ? fail(code) : wait(RETRY_NS, "openDisks"),

      goOn: whileFollowing((host, op, follower) => {
        const { heardAtNs, pending, copy, received } = follower.volatile;
        const guarding = host.world.entity(op.state.guard) as unknown as Guard;
        const held = [...pending, ...guarding.volatile.held];
        const state = guarding.edit();
        state.held = held as never;
        state.left = pending[0]?.number ?? state.left;
        state.instance = op.state.instance;
        const { vm, run } = follower.config;
        const { nextOutput } = follower.volatile;
        follower.notice(PROTECTION_NOTICE, { vm, run, event: "goes-on", outputs: nextOutput });
        const diskRequests = Object.keys(copy.open).length;
        tellSometimes(host, pending.length, diskRequests);
        host.world.call(guarding as never, "won", 0);
        const failoverNs = host.simulatedNs - heardAtNs;
        follower.measure("failover-ns", failoverNs);
        const outputs = pending.length;
        return done({ winner: host.name, failoverNs, steps: received, diskRequests, outputs });
      }),
    },
    () => ({ guard: -1, instance: -1, attempts: 0 }),
  );
}

/** A phase of a host whose follower is there: without it there is nothing to go on with. */
function whileFollowing<R = null>(
  phase: (host: Entity, op: Op, follower: Follower, result: R) => Step,
): (host: Entity, op: Op, result: R) => Step {
  return (host, op, result) => {
    const follower = followerOf(host, op.params.follower);
    return follower === undefined ? fail("follower-gone") : phase(host, op, follower, result);
  };
}

/** Nothing of the run was ever seen outside: it ends as if it had been lost with its host. */
function endBeforeBegin(follower: Follower): Step {
  follower.world.call(follower as never, "lose", 0);
  dismiss(follower);
  return done({ winner: "" });
}

/** The run was ended from outside meanwhile. */
function endUnwanted(follower: Follower): Step {
  dismiss(follower);
  return done({ winner: "" });
}

function tellSometimes(host: Entity, held: number, diskRequests: number): void {
  if (held > 0) host.notice("sometimes", { name: "a failover with outputs that were held" });
  if (diskRequests > 0) {
    host.notice("sometimes", { name: "a failover with disk requests outstanding" });
  }
}
