/**
 * Which of two machines that do not hear of each other is the one that lives: a test-and-set on
 * storage that both reach. Who cannot reach it waits, and lives not.
 *
 * Must hold: a ballot names a winner once and for all, by a write that names the version which was
 * read; a candidate whose answer was lost finds itself in the ballot.
 */
import {
  ask,
  done,
  type EntityId,
  fail,
  go,
  type Operation,
  operation,
  type PlainObject,
  type Step,
  wait,
} from "../kernel/index.ts";
import { ballotFile } from "./settings.ts";

/** Content of the file. */
export type Ballot = { readonly run: number; readonly winner: string | null };

export type VoteParams = {
  readonly vm: string;
  readonly run: number;
  readonly array: EntityId;
};

type Op = Operation<VoteParams & PlainObject, PlainObject>;
type Found = { readonly value: Ballot; readonly version: number };

/** How long the array may take over the file, and when it is asked again after that. */
const FILE_TIMEOUT_NS = 200_000_000;
const RETRY_NS = 100_000_000;
const FILE_BYTES = 512;

/** Figures: {winner}, the name of a host. */
export const vote = operation<VoteParams & PlainObject, PlainObject>("vote", {
  readBallot: (_host, op) => askFile(op, "file-read", {}, "mark"),

  mark(host, op: Op, { value: { run, winner }, version }: Found) {
    if (run !== op.params.run) return fail("no-ballot");
    if (winner !== null) return done({ winner });
    const value: Ballot = { run, winner: host.name };
    return askFile(op, "file-write", { value, ifVersion: version }, "readBallot");
  },

  unanswered(host, _op, { code }: { readonly code: string }) {
    if (code === "version-conflict") return go("readBallot");
    if (code === "no-file") return fail("no-ballot");
    host.notice("sometimes", { name: "a vote waits for the array" });
    return wait(RETRY_NS, "readBallot");
  },
});

function askFile(op: Op, verb: string, body: PlainObject, next: string): Step {
  const named = { name: ballotFile(op.params.vm), ...body };
  const extras = { timeoutNs: FILE_TIMEOUT_NS, bytes: FILE_BYTES, otherwise: "unanswered" };
  return ask(op.params.array, verb, named, next, extras);
}
