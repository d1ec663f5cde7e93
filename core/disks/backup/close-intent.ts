/**
 * How an operation that opened an intent beside the VM's other one closes it: only as it opened it.
 *
 * Must hold: who settles it at another host writes it back as it is before anything else
 * (`takesOverIntent`). From then on the operation that opened it, wherever it may still be, does not
 * close it: what is settled would be left half done, and nobody would know of it.
 */
import { type EntityId, fail, go, type Refusal, type Step, wait } from "../../kernel/index.ts";
import { AGAIN_NS, askArray } from "../chain/array-requests.ts";
import { fencesIntent } from "../chain/surely-write.ts";
import { backupIntentFile } from "./manifest.ts";

type Closing = {
  readonly params: { readonly vm: string; readonly array: EntityId };
  /** `failure`: why the operation undoes itself, if it does. */
  readonly state: { readonly intentVersion: number; readonly failure?: object | null };
};

/** To be spread; they come from "closeIntent" and lead to "report". */
export const closingIntent = {
  closeIntent: (_host: unknown, op: Closing): Step => closesIntent(op, "report", "notClosed"),

  notClosed(_host: unknown, op: Closing, { code }: Refusal): Step {
    // A host that has lost the disks is refused whatever the intent is by now.
    const isTheirs = code === "version-conflict" || code === "not-owner";
    if (!isTheirs) return wait(AGAIN_NS, "closeIntent");
    return op.state.failure ? go("report") : fail("superseded");
  },
};

/** Refused with "version-conflict": another host settles it. */
export function closesIntent({ params, state }: Closing, next: string, otherwise: string): Step {
  const body = { name: backupIntentFile(params.vm), ifVersion: state.intentVersion };
  const close = askArray(params.array, "file-delete", body, next, otherwise);
  return { ...close, tolerate: ["no-file"] };
}

type Settling = {
  readonly params: {
    readonly vm: string;
    readonly array: EntityId;
    readonly intent: { readonly operation: string };
  };
};

/** Its new {version} goes to `next`; "superseded": it is closed by now, by who opened it or another host. */
export const takesOverIntent = (op: Settling, next: string): Step =>
  fencesIntent(op, backupIntentFile(op.params.vm), next, "superseded");
