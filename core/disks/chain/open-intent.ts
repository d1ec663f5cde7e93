/**
 * Opens an intent: writes the file that says what an operation is about to do, if there is none, and
 * knows for certain whether it did. A write whose answer is lost may have taken effect, or may yet;
 * an operation that then just gave up would leave an intent that nobody closes, and every later
 * operation of the VM would be refused until its next power-on. So the file is looked at: an intent
 * of this operation is opened, one of another operation refuses it, and where there is none it is
 * written once more. An intent is made for the configuration and the descriptors that were read: where
 * another operation has begun and ended since, it is refused. What it says it will make may be the
 * other's by now, and what it planned to copy or to stand on may be gone, or another layer's.
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
import type { FileVersion } from "../../platform/index.ts";
import type { ArrayFiles } from "./array-files.ts";
import { askArray, type FileValue, readFileIfAny } from "./array-requests.ts";
import { configurationFile, namedDescriptors, type VmConfiguration } from "./descriptor.ts";

/** What every intent says, whatever else it does: the operation that opened it. */
export type Intent = { readonly operation: string };

type Opening = {
  readonly array: EntityId;
  readonly name: string;
  readonly intent: Intent;
  /** What the intent was made for, as it was read. */
  readonly given: readonly FileVersion[];
};

type Op = Operation<Opening & PlainObject, PlainObject>;

/** Pause before an array that did not answer is asked again. */
const UNDECIDED_NS = 200_000_000;

/** Figures: {version} of the file. Fails with "version-conflict" where another operation has it. */
export const openIntent = operation<Opening & PlainObject, PlainObject>("open-intent", {
  write(_host, op: Op) {
    const { array, name, intent, given } = op.params;
    const body = { name, value: intent as unknown as Plain, ifVersion: 0, given: [...given] };
    return askArray(array, "file-write", body, "opened", "refused");
  },

  opened: (_host, _op, { version }: { version: number }) => done({ version }),

  refused(_host, _op, { code, detail }: Refusal) {
    const isThere = code === "timeout" || (code === "version-conflict" && !isOfPremise(detail));
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

/** What was read is another one by now: of the intent's own file no name is told. */
const isOfPremise = (detail: Plain): boolean =>
  (detail as { readonly name?: string } | null)?.name !== undefined;

/** Of a VM, for {@link opensIntent}: its configuration, of a version. */
export const configurationAsRead = (vm: string, version: number): FileVersion => ({
  name: configurationFile(vm),
  version,
});

/** The same with all descriptors that it leads to: none of them may have changed or gone since. */
export function disksAsRead(files: ArrayFiles, vm: string): FileVersion[] {
  const asRead = (name: string): FileVersion => ({ name, version: files.get(name)?.version ?? 0 });
  const configuration = files.get(configurationFile(vm))?.value as VmConfiguration | undefined;
  const leaves = configuration === undefined ? [] : namedDescriptors(configuration);
  const names = new Set(leaves.flatMap((leaf) => files.chainOf(leaf)));
  return [configurationFile(vm), ...names].map(asRead);
}

/** Phase: {version} goes to `next`, why it is not opened to the phase "refuse". */
export function opensIntent(
  array: EntityId,
  name: string,
  intent: Intent,
  given: readonly FileVersion[],
  next: string,
): Step {
  const params = { array, name, intent, given } as unknown as PlainObject;
  return perform(openIntent, params, next, "refuse");
}
