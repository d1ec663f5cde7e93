/**
 * Replaces a small file of an array and knows for certain whether it did. A request can time out
 * after it took effect, or take effect after it timed out; so when the array does not answer, the
 * old value is written once more: if that is taken, the new one never was, and being made for the
 * version before can never be; if it is refused, the file tells what happened.
 */
import {
  done,
  type EntityId,
  equalPlain,
  fail,
  go,
  operation,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type Step,
  wait,
} from "../../kernel/index.ts";
import { askArray, type FileValue, readFile } from "./array-requests.ts";

export type SureWrite = {
  readonly array: EntityId;
  readonly name: string;
  readonly value: PlainObject;
  /** What the file holds now, and its version. */
  readonly before: PlainObject;
  readonly version: number;
};

/** Its figures. `written` false: it is as before, and stays so. */
export type Written = { readonly written: boolean; readonly version: number };

type Op = Operation<SureWrite & PlainObject, PlainObject>;

/** Pause before the array is asked again what happened. */
const UNDECIDED_NS = 200_000_000;
/** Before one is asked again that answered, and refused what it may take later. */
const REFUSED_NS = 10_000_000;

export const surelyWrite = operation<SureWrite & PlainObject, PlainObject>("write-file", {
  write: (_host, op) => write(op, op.params.value, "report", "fence"),

  report: (_host, _op, { version }: { version: number }) => done({ written: true, version }),

  fence: (_host, op) => write(op, op.params.before, "unwritten", "look"),

  unwritten: (_host, _op, { version }: { version: number }) => done({ written: false, version }),

  /** A former owner's writes are refused from now on: if there is none, there will be none. */
  look(_host, op, { code }: { readonly code: string }) {
    if (code === "not-owner") return read(op, "judgeLost");
    const isAnswered = code !== "timeout" && code !== "version-conflict";
    return isAnswered ? wait(REFUSED_NS, "lookAgain") : read(op, "judge");
  },

  lookAgain: (_host, op) => read(op, "judge"),

  judgeLost: (_host, op, { value, version }: FileValue) =>
    version !== op.params.version && equalPlain(value, op.params.value)
      ? done({ written: true, version })
      : fail("not-owner"),

  judge(_host, op, { value, version }: FileValue) {
    if (version === op.params.version) return go("fence");
    if (equalPlain(value, op.params.value)) return done({ written: true, version });
    if (equalPlain(value, op.params.before)) return done({ written: false, version });
    return fail("version-conflict", { version });
  },

  undecided: () => wait(UNDECIDED_NS, "fence"),
});

const read = ({ params }: Op, next: string) =>
  readFile(params.array, params.name, next, "undecided");

function write(op: Op, value: PlainObject, next: string, otherwise: string) {
  const { array, name, version } = op.params;
  return askArray(array, "file-write", { name, value, ifVersion: version }, next, otherwise);
}

export type Fence = {
  readonly array: EntityId;
  readonly name: string;
  /** Made where there never was such a file, so that what would make the first one is refused as well. */
  readonly absent?: PlainObject;
  /** Only an intent of this operation: that of another one is as good as none. */
  readonly operation?: string;
};

type FenceState = { value: PlainObject | null; wasThere: boolean };

/**
 * Writes a small file back as it is, for its version alone: what a lost host sent for the version
 * before, and what is still on its way, is refused from then on. Figures: the file as it stays.
 */
export const fenceFile = operation<Fence & PlainObject, FenceState>(
  "fence-file",
  {
    read: (_host, op) => readFile(op.params.array, op.params.name, "write", "again"),

    write(_host, op, { value, version }: FileValue) {
      op.edit().value = value as never;
      const { array, name, operation: only } = op.params;
      if (only !== undefined && value["operation"] !== only) return fail("no-file", name);
      return askArray(array, "file-write", { name, value, ifVersion: version }, "report", "again");
    },

    again(_host, op, { code, detail }: { readonly code: string; readonly detail: Plain }) {
      if (code !== "no-file") return wait(UNDECIDED_NS, "read");
      const { absent } = op.params;
      if (absent === undefined) return fail(code, detail);
      return op.state.wasThere ? done({ value: absent, version: 0 }) : go("make");
    },

    make(_host, op) {
      const { array, name, absent } = op.params;
      op.edit().value = absent as never;
      const body = { name, value: absent!, ifVersion: 0, isFirst: true };
      return askArray(array, "file-write", body, "report", "notMade");
    },

    /** It is there by now, or is gone again: then nothing can make a first one. */
    notMade(_host, op, { code }: { readonly code: string }) {
      if (code === "version-conflict") op.edit().wasThere = true;
      return code === "version-conflict" ? go("read") : wait(UNDECIDED_NS, "read");
    },

    report: (_host, op, { version }: { version: number }) =>
      done({ value: op.state.value, version }),
  },
  () => ({ value: null, wasThere: false }),
);

type Settling = {
  readonly params: { readonly array: EntityId; readonly intent: { readonly operation: string } };
};

/**
 * First phase of who settles an intent: what is made under it, and still on its way, is refused from
 * then on. Its new {version} goes to `next`; to `otherwise` where it is closed by now.
 */
export function fencesIntent(
  { params: { array, intent } }: Settling,
  name: string,
  next: string,
  otherwise: string,
): Step {
  const fence: Fence = { array, name, operation: intent.operation };
  return perform(fenceFile, fence as PlainObject, next, otherwise);
}
