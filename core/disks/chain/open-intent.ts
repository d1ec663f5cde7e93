/**
 * Opens an intent: writes the file that says what an operation is about to do, if there is none, and
 * knows for certain whether it did. A write whose answer is lost may have taken effect, or may yet;
 * an operation that then just gave up would leave an intent that nobody closes, and every later
 * operation of the VM would be refused until its next power-on. So the file is looked at: an intent
 * of this operation is opened, one of another operation refuses it, and where there is none it is
 * written once more. An intent is made for the configuration that was read: where another operation
 * has begun and ended since, it is refused, for what it says it will make may be the other's by now.
 */
import {
  done,
  type EntityId,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
  wait,
} from "../../kernel/index.ts";
import { askArray, type FileValue, readFileIfAny } from "./array-requests.ts";
import { configurationFile } from "./descriptor.ts";

/** What every intent says, whatever else it does: the operation that opened it. */
export type Intent = { readonly operation: string };

type Opening = {
  readonly vm: string;
  readonly array: EntityId;
  readonly name: string;
  readonly intent: Intent;
  /** Version of the VM's configuration that the intent was made for. */
  readonly given: number;
};

type Op = Operation<Opening & PlainObject, PlainObject>;

/** Pause before an array that did not answer is asked again. */
const UNDECIDED_NS = 200_000_000;

/** Figures: {version} of the file. Fails with "version-conflict" where another operation has it. */
export const openIntent = operation<Opening & PlainObject, PlainObject>("open-intent", {
  write(_host, op: Op) {
    const { array, vm, name, intent, given: version } = op.params;
    const given = { name: configurationFile(vm), version };
    const body = { name, value: intent as unknown as Plain, ifVersion: 0, given };
    return askArray(array, "file-write", body, "opened", "refused");
  },

  opened: (_host, _op, { version }: { version: number }) => done({ version }),

  refused(_host, op, { code, detail }: Refusal) {
    const isThere = code === "timeout" || (code === "version-conflict" && !isOfPremise(op, detail));
    return isThere ? go("look") : fail(code, detail);
  },

  look: (_host, op) => ({
    ...readFileIfAny(op.params.array, op.params.name, "judge"),
    otherwise: "undecided",
  }),

  judge(_host, op, file: FileValue | null) {
    if (file === null) return go("write");
    const { value, version } = file;
    const isOurs = value["operation"] === op.params.intent.operation;
    return isOurs ? done({ version }) : fail("version-conflict", { version });
  },

  undecided: () => wait(UNDECIDED_NS, "look"),
});

/** The configuration is another one than that which was read. */
const isOfPremise = (op: Op, detail: Plain): boolean =>
  (detail as { readonly name?: string } | null)?.name === configurationFile(op.params.vm);

/** Phase: {version} goes to `next`, why it is not opened to the phase "refuse". */
export function opensIntent(
  array: EntityId,
  vm: string,
  name: string,
  intent: Intent,
  given: number,
  next: string,
): Step {
  const params = { vm, array, name, intent, given } as unknown as PlainObject;
  return perform(openIntent, params, next, "refuse");
}
