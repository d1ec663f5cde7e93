/**
 * How recoveries of copy-on-write operations work: look at all that is durable, do the next thing
 * that is missing, and look again whenever something was refused or not answered. Each look starts
 * from nothing but what is on the array, so a recovery can be cut short and begun again anywhere.
 * What it removes goes as long as the intent is as the last look saw it (`asSeen`): a request that
 * comes when somebody else has closed that finds names which the next operation may bear.
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
  type Plain,
  type PlainObject,
  type Step,
  together,
  wait,
} from "../../kernel/index.ts";
import { asLongAs, askArray } from "../chain/array-requests.ts";
import { intentFile, intentGiven } from "../chain/descriptor.ts";
import { type ArrayView, CowView, lookAtArray, releaseHolder, writeIf } from "./cow-files.ts";
import { type CowIntent, intentHolder } from "./cow-intents.ts";

/**
 * Goes back for good: the intent becomes one to be undone, if it is still as it was seen. Whoever
 * would have committed it comes too late from then on.
 */
export function undoIntent(op: SettleOp, intent: CowIntent): Step {
  const { array, vm } = op.params;
  // Not sure yet: who made the intent may commit it first, and close it before the next look.
  op.edit().outcome = "nothing";
  const undo = { ...intent, stage: "undo" };
  return writeIf(array, intentFile(vm), undo, op.state.version, "look", "again");
}

/** `intent` and `configuration`, which power-on gives every recovery, are read again. */
export type SettleParams = {
  readonly vm: string;
  readonly array: EntityId;
  /** Only the intent of this operation; absent: whatever intent the VM has. */
  readonly own?: string;
};

export type SettleState = {
  looks: number;
  /** Operation whose intent is settled, and the version of that when it was last seen. */
  operation: string;
  version: number;
  outcome: "forward" | "back" | "nothing";
  /** Between phases: what the last look found to do. */
  todo: PlainObject;
};

export type SettleOp = Operation<SettleParams & PlainObject, SettleState & PlainObject>;

export type SettlePhase = (host: Entity, op: SettleOp, result: never) => Step;

/** The intent as of the last look. */
export const asSeen = ({ params, state }: SettleOp) => intentGiven(params.vm, state.version);

const LOOK_AGAIN_NS = 1_000_000_000;
const MOST_LOOKS = 60;

/**
 * A recovery: `decide` sees the whole array, with the VM's intent, and goes to one of `phases`;
 * these end in `close`. A refusal is followed by another look (`otherwise` is "again").
 */
export function settling(
  kind: string,
  decide: (host: Entity, op: SettleOp, view: CowView) => Step,
  phases: { readonly [phase: string]: SettlePhase },
): OperationComponent {
  return operation<SettleParams & PlainObject, SettleState & PlainObject>(
    kind,
    {
      look: (_host, op) => lookAtArray(op.params.array, "decide", "again"),

      decide(host, op, answer: ArrayView) {
        const view = new CowView(answer);
        const intent = view.intent(op.params.vm);
        const settled = op.state.operation || (op.params.own ?? "");
        const isOther = settled !== "" && intent?.operation !== settled;
        if (intent === undefined || isOther) {
          return go(op.state.outcome === "nothing" ? "report" : "settledElsewhere");
        }
        const state = op.edit();
        state.operation = intent.operation;
        state.version = view.version(intentFile(op.params.vm));
        return decide(host, op, view);
      },

      ...phases,

      /** What only the intent held goes first: the intent is all that still knows of it. */
      close(_host, op) {
        const { vm, array } = op.params;
        const holder = intentHolder({ vm, operation: op.state.operation });
        const held = { ...releaseHolder(array, holder), tolerate: ["not-supported"] };
        return together(asLongAs(asSeen(op), [held]), "closeIntent", "again");
      },

      closeIntent(_host, op) {
        const body = { name: intentFile(op.params.vm), ifVersion: op.state.version };
        return askArray(op.params.array, "file-delete", body, "report", "notClosed");
      },

      notClosed: (_host, op, why: { code: string; detail: Plain }) =>
        why.code === "no-file" ? go("settledElsewhere") : lookAgain(op, why),

      report(host, op) {
        const { outcome } = op.state;
        host.notice("recovery", { vm: op.params.vm, intent: kind, outcome });
        return done({ outcome });
      },

      /** Whoever closed the intent told it, at that moment: by now the VM may run. */
      settledElsewhere: (_host, op) => done({ outcome: op.state.outcome }),

      again: (_host, op, why: { code: string; detail: Plain } | null) => lookAgain(op, why),
    },
    () => ({ looks: 0, operation: "", version: 0, outcome: "nothing", todo: {} }),
  );
}

function lookAgain(op: SettleOp, why: { code: string; detail: Plain } | null): Step {
  const looks = ++op.edit().looks;
  return looks > MOST_LOOKS
    ? fail("unsettled", (why as PlainObject | null) ?? null)
    : wait(LOOK_AGAIN_NS, "look");
}
