/** `orrery inspect`: the state of a recorded run at any moment. */
import { EXIT } from "../exit-codes.ts";
import type { Moment } from "../time.ts";
import { type Verb, verb } from "../verb.ts";
import { atOption, beyondEnd, seekMoment } from "./moment.ts";
import { type InputFolders, inputsOption, traceStatus, withRun } from "./with-run.ts";

interface InspectFlags extends InputFolders {
  readonly at?: Moment;
}

export const inspect: Verb = verb<readonly [string, string | undefined], InspectFlags>({
  name: "inspect",
  describe: "show the state at any moment of a trace",
  arguments: [
    { syntax: "<trace>", describe: "a .orrery trace" },
    {
      syntax: "[path]",
      describe: "a JSON pointer that starts with an entity's name; none: what there is",
    },
  ],
  options: [atOption, inputsOption],
  examples: [
    { command: "orrery inspect tour-7.orrery", describe: "Entities, domains, the end." },
    {
      command: "orrery inspect tour-7.orrery --at 3s /db/durable/power",
      describe: "One field, three seconds in.",
    },
    {
      command: "orrery inspect tour-7.orrery --at '#1042' /pending",
      describe: "Pending events right after event 1042.",
    },
  ],
  output: {
    type: "object",
    required: ["path", "event", "timeNs", "value"],
    properties: {
      path: { type: "string" },
      event: { type: "integer", description: "The last event before what is shown." },
      timeNs: { type: "integer" },
      value: { description: "Plain data." },
      status: { type: "string", enum: ["whole", "salvaged"] },
      damage: { type: "object" },
    },
  },
  run: (context, [file, path = ""], options) =>
    withRun(context, file, options, async (opened) => {
      const { Timeline } = await import("../../traces/index.ts");
      const { viewPath } = await import("../../core/kernel/index.ts");
      const { unknownPath } = await import("./unknown-path.ts");
      const beyond = beyondEnd(opened, options.at);
      if (beyond !== undefined) return context.usage(beyond);
      const timeline = new Timeline(opened.run, opened.builder);
      seekMoment(timeline, options.at);
      const viewed = viewPath(timeline.world, path);
      if (!viewed.ok) return context.usage(unknownPath(timeline.world, path));
      const { timeNs } = timeline.world;
      context.print(JSON.stringify(viewed.value, null, 2));
      context.result({
        path,
        event: timeline.event,
        timeNs,
        value: viewed.value,
        ...traceStatus(opened),
      });
      return EXIT.fine;
    }),
});
