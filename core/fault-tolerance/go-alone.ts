/** A primary that does not hear of its backup: goes on without it if it wins the vote, else ends. */
import {
  done,
  type EntityId,
  type Operation,
  operation,
  perform,
  type PlainObject,
} from "../kernel/index.ts";
import { vote, type VoteParams } from "./vote.ts";

type GoAloneParams = VoteParams & { readonly guard: EntityId };
type Op = Operation<GoAloneParams & PlainObject, PlainObject>;

/** Figures: {winner}, the name of a host. */
export const goAlone = operation<GoAloneParams & PlainObject, PlainObject>("go-alone", {
  suspect(_host, op) {
    const { vm, run, array } = op.params;
    return perform(vote, { vm, run, array }, "decided", "noBallot");
  },

  decided(host, op, { winner }: { readonly winner: string }) {
    tell(host.world, op, winner === host.name ? "won" : "lost");
    return done({ winner });
  },

  /** Another run has its own ballot by now. */
  noBallot(host, op) {
    tell(host.world, op, "lost");
    return done({ winner: "" });
  },
});

function tell(world: Op["entity"]["world"], op: Op, verdict: "won" | "lost"): void {
  const guard = world.entityOrNone(op.params.guard);
  if (guard !== undefined) world.call(guard, verdict, 0);
}
