/**
 * Shrinks a recorded run: the document of its trace, and where its draws came from the operating
 * system, those draws as fixed ones. The result stands alone: it needs neither trace nor log.
 */
import type { OpenedRun, ResolvedScenario } from "../../scenarios/index.ts";
import { DrawLog } from "../../traces/index.ts";
import { runDocument } from "../explorer/run-document.ts";

type Opened = Extract<OpenedRun, { readonly ok: true }>;
type Choice = NonNullable<ResolvedScenario["choices"]>[number];

/** The document that makes the run again without the log. */
export function documentOfRun({ run, document, scenario }: Opened): ResolvedScenario {
  const { extra } = run.trace.header;
  if (extra["entropy"] !== "os") return document;
  const choices: Choice[] = [];
  const log = new DrawLog(run.trace);
  runDocument(scenario, document, {
    steer: ({ entity, purpose, position }) => {
      const result = log.at(entity, purpose);
      if (result !== undefined) choices.push({ entity, purpose, at: position, result });
      return result;
    },
  });
  return { ...document, choices };
}
