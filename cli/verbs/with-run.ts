/**
 * Opens a trace for a verb and answers everything that can be wrong with it: what is no trace is bad
 * input (2), what cannot be salvaged is damaged (3), what the trace needs and is not here is named
 * (4). A salvaged trace is worked on up to its damage, with a warning and exit code 3.
 */
import type { OpenedRun } from "../../scenarios/index.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode, worstExit } from "../exit-codes.ts";
import { formatTime } from "../time.ts";
import type { VerbOption } from "../verb.ts";

export type OpenRun = Extract<OpenedRun, { readonly ok: true }>;

export interface InputFolders {
  readonly inputs?: readonly string[];
}

export const inputsOption: VerbOption = {
  flags: "--inputs <dir>",
  describe: "folder with inputs that are too large to be embedded; may be repeated",
  repeatable: true,
};

/** Opens `file`, lets `work` do its part, closes it. The graver exit code wins. */
export async function withRun(
  context: Context,
  file: string,
  { inputs = [] }: InputFolders,
  work: (opened: OpenRun) => ExitCode | Promise<ExitCode>,
): Promise<ExitCode> {
  const { openRecordedRun } = await import("../../scenarios/index.ts");
  const opened = await openRecordedRun(file, { inputs });
  if (!opened.ok) return refuse(context, file, opened.code, opened.message);
  try {
    const { run, damage, sameCode } = opened;
    if (damage !== undefined) {
      const reach = `event ${run.lastEvent} at ${formatTime(run.epochs.at(-1)?.timeNs ?? 0)}`;
      context.warn(
        `${file}: damaged at byte ${damage.offset}: ${damage.message}; salvaged to ${reach}`,
      );
    }
    if (!sameCode) {
      context.warn(
        `${file}: made by another version of Orrery; its full log is replayed by this one`,
      );
    }
    const code = await work(opened);
    return damage === undefined ? code : worstExit([code, EXIT.damaged]);
  } catch (thrown) {
    const { SnapshotOfOtherCode } = await import("../../core/kernel/index.ts");
    if (!(thrown instanceof SnapshotOfOtherCode)) throw thrown;
    return context.missing(`${file}: ${thrown.message}; use the version that made the trace`);
  } finally {
    opened.run.trace.close();
  }
}

function refuse(
  context: Context,
  file: string,
  code: Extract<OpenedRun, { readonly ok: false }>["code"],
  message: string,
): ExitCode {
  const line = `${file}: ${message}`;
  switch (code) {
    case "damaged":
      return context.damaged(line);
    case "missing-input":
    case "missing-scenario":
      return context.missing(line);
    case "unreadable":
    case "newer-format":
    case "bad-document":
      return context.usage(line);
  }
}

/** What every result about a salvaged trace says. */
export const traceStatus = ({ status, damage }: OpenRun): object => ({
  status,
  ...(damage && { damage: { offset: damage.offset, message: damage.message } }),
});

/** A turn for the event loop, so that Ctrl-C is seen. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
