/** `orrery why`: the events that last changed a field, and what caused them. */
import type { Change, EventLine } from "../../traces/index.ts";
import { EXIT } from "../exit-codes.ts";
import { formatTime, type Moment } from "../time.ts";
import { parseCount, type Verb, verb } from "../verb.ts";
import { shortText } from "./event-text.ts";
import { atOption, beyondEnd, seekMoment } from "./moment.ts";
import { lastStoreAt } from "./last-store.ts";
import { type InputFolders, inputsOption, traceStatus, withRun } from "./with-run.ts";

interface WhyFlags extends InputFolders {
  readonly at?: Moment;
  readonly count?: number;
}

const DEFAULT_COUNT = 1;

export const why: Verb = verb<readonly [string, string], WhyFlags>({
  name: "why",
  describe: "the events that last changed a field, backwards, and their causes",
  arguments: [
    { syntax: "<trace>", describe: "a .orrery trace" },
    { syntax: "<path>", describe: "a JSON pointer that starts with an entity's name" },
  ],
  options: [
    atOption,
    {
      flags: "--count <n>",
      describe: `changes to go back (default: ${DEFAULT_COUNT})`,
      parse: parseCount,
    },
    inputsOption,
  ],
  examples: [
    {
      command: "orrery why tour-7.orrery /db/durable/power",
      describe: "Who last switched db on or off.",
    },
    {
      command: "orrery why tour-7.orrery /db/durable/power --at 3s --count 2",
      describe: "The two changes before the third second.",
    },
    {
      command: "orrery why rv64-hello-3.orrery /asker/machine/memory/state+8",
      describe: "The instruction that last wrote there.",
    },
  ],
  output: {
    type: "object",
    required: ["path", "changes"],
    properties: {
      path: { type: "string" },
      changes: {
        type: "array",
        description: "Last one first: {change, before, after, causes}.",
        items: { type: "object" },
      },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run: (context, [file, path], options) =>
    withRun(context, file, options, async (opened) => {
      const { finishUnless, Timeline, whyChanged } = await import("../../traces/index.ts");
      const { viewPath } = await import("../../core/kernel/index.ts");
      const { unknownPath } = await import("./unknown-path.ts");
      const beyond = beyondEnd(opened, options.at);
      if (beyond !== undefined) return context.usage(beyond);
      const timeline = new Timeline(opened.run, opened.builder);
      seekMoment(timeline, options.at);
      const stored = await lastStoreAt(opened, timeline, path, context.signal);
      if (context.signal.aborted) return EXIT.interrupted;
      if (stored !== undefined) {
        if ("problem" in stored) return context.usage(stored.problem);
        for (const line of stored.lines) context.print(line);
        context.result({ path, changes: stored.changes, ...traceStatus(opened) });
        return EXIT.fine;
      }
      const isKnown = viewPath(timeline.world, path).ok;
      const message = isKnown ? "" : unknownPath(timeline.world, path);
      const changing = whyChanged(timeline, path, options.count ?? DEFAULT_COUNT);
      const changes = await finishUnless(context.signal, changing);
      if (changes === undefined) return EXIT.interrupted;
      // A field may be gone by now and still have a past.
      if (changes.length === 0 && !isKnown) return context.usage(message);
      if (changes.length === 0) context.print(`${path} has not changed since the start`);
      for (const change of changes) for (const line of changeLines(change)) context.print(line);
      context.result({ path, changes: changes.map(asJson), ...traceStatus(opened) });
      return EXIT.fine;
    }),
});

const asJson = ({ change, before, after, causes }: Change): object => ({
  change,
  before: before ?? null,
  after: after ?? null,
  causes,
});

function changeLines({ change, before, after, causes }: Change): string[] {
  return [
    `${eventText(change)}: ${valueText(before)} -> ${valueText(after)}`,
    ...causes.map((cause, i) => `${"  ".repeat(i + 1)}caused by ${eventText(cause)}`),
  ];
}

const eventText = ({ event, timeNs, entity, handler }: EventLine): string =>
  `#${event} ${formatTime(timeNs)} ${entity} ${handler}`;

const valueText = (value: unknown): string => (value === undefined ? "nothing" : shortText(value));
