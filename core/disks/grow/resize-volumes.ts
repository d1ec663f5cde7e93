/**
 * Makes volumes at least as large as a disk is to be; one that is larger already stays so, for what
 * it holds beyond may be a point in time's, or another clone that stands on it grows at the same time.
 * Nothing is known of a volume without an answer, and to ask again, or late, does no harm.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  type PlainObject,
  type Refusal,
  together,
  wait,
} from "../../kernel/index.ts";
import { askArray } from "../chain/array-requests.ts";

type Params = {
  readonly array: EntityId;
  readonly volumes: readonly string[];
  readonly toSectors: number;
};

type Op = Operation<Params & PlainObject, PlainObject>;

/** Pause before the array is asked again; for all of growth. */
export const AGAIN_NS = 200_000_000;

export const resizeVolumes = operation<Params & PlainObject, PlainObject>("resize-volumes", {
  resize(_host, op: Op) {
    const { array, volumes, toSectors: sectors } = op.params;
    const asks = volumes.map((name) =>
      askArray(array, "resize-volume", { name, sectors, growsOnly: true }, ""),
    );
    return together(asks, "report", "refused");
  },

  refused: (_host, _op: Op, { code, detail }: Refusal) =>
    code === "timeout" ? go("pause") : fail(code, detail),

  pause: () => wait(AGAIN_NS, "resize"),

  report: () => done(),
});
