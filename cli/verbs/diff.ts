/** `orrery diff`: the first difference of two traces. */
import type { Difference } from "../../core/kernel/index.ts";
import type { TraceDifference } from "../../traces/index.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { formatTime } from "../time.ts";
import { type Verb, verb } from "../verb.ts";
import { shortText } from "./event-text.ts";
import { type InputFolders, inputsOption, withRun } from "./with-run.ts";

const MOST_INITIAL = 10;

export const diff: Verb = verb<readonly [string, string], InputFolders>({
  name: "diff",
  describe: "the first difference of two traces: event, entity, field; exit 1 when there is one",
  arguments: [
    { syntax: "<a>", describe: "a .orrery trace" },
    { syntax: "<b>", describe: "another one" },
  ],
  options: [inputsOption],
  examples: [
    { command: "orrery diff tour-7.orrery tour-8.orrery", describe: "Where two runs part." },
    {
      command: "orrery diff before.orrery after.orrery --json",
      describe: "What a changed timeline entry does first.",
    },
  ],
  output: {
    type: "object",
    required: ["equal", "initial", "differences"],
    properties: {
      equal: { type: "boolean" },
      initial: {
        type: "array",
        description: "Differences before the first event: of the documents.",
        items: { type: "object" },
      },
      event: { type: ["integer", "null"], description: "First event that the runs differ after." },
      timeNs: { type: ["integer", "null"] },
      entity: { type: ["string", "null"] },
      differences: {
        type: "array",
        description: "At that event: {path, a, b}.",
        items: { type: "object" },
      },
    },
  },
  run: (context, [first, second], options) =>
    withRun(context, first, options, (a) =>
      withRun(context, second, options, async (b) => {
        const { diffTraces, finishUnless, Timeline } = await import("../../traces/index.ts");
        const left = new Timeline(a.run, a.builder);
        const right = new Timeline(b.run, b.builder);
        const found = await finishUnless(context.signal, diffTraces(left, right));
        if (found === undefined) return EXIT.interrupted;
        const equal = found.event === undefined && found.initial.length === 0;
        printDifference(context, found, equal);
        context.result({
          equal,
          initial: found.initial,
          event: found.event ?? null,
          timeNs: found.timeNs ?? null,
          entity: found.entity ?? null,
          differences: found.differences,
        });
        return equal ? EXIT.fine : EXIT.violation;
      }),
    ),
});

function printDifference(context: Context, found: TraceDifference, equal: boolean): void {
  if (equal) return context.print("no difference");
  const { initial, event, timeNs = 0, entity = "the world", differences } = found;
  if (initial.length > 0) {
    context.print("before the first event:");
    for (const each of initial.slice(0, MOST_INITIAL)) context.print(`  ${line(each)}`);
    if (initial.length > MOST_INITIAL) context.print(`  and ${initial.length - MOST_INITIAL} more`);
  }
  if (event === undefined) return context.print("no difference in what happened");
  context.print(`first difference: after event #${event}, ${formatTime(timeNs)}, ${entity}`);
  for (const each of differences) context.print(`  ${line(each)}`);
}

const line = ({ path, a, b }: Difference): string => `${path}: ${valueText(a)} | ${valueText(b)}`;

const valueText = (value: unknown): string => (value === undefined ? "nothing" : shortText(value));
