/**
 * A host that is cut off in the middle of an operation, and comes back when another host has settled
 * what it had begun: at each phase of the operation, and at some delays after its begin.
 */
import { fromMs } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { builderOf } from "./small-datacenter.ts";

/** Before a request of the phase is sent, when it has come, and when its answer has. */
const DELAYS_US = [0, 60, 150, 400];
/** Back when another host has settled all. */
const AWAY_MS = 800;

export interface Cut {
  readonly phase: string;
  readonly delayUs: number;
}

/** In each phase that the operation `id` of the document takes until then, where nothing goes wrong. */
export function cutsOf(document: ScenarioDocument, id: string, untilMs: number): readonly Cut[] {
  const world = builderOf(document).build({ seed: 1 });
  const phases = new Set<string>();
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "phase" && data["id"] === id) phases.add(data["phase"] as string);
  };
  world.run({ untilNs: fromMs(untilMs) - 1 });
  return [...phases].flatMap((phase) => DELAYS_US.map((delayUs) => ({ phase, delayUs })));
}

/** The document with the host cut off from another component at that point of operation `id`. */
export function withCut(
  document: ScenarioDocument,
  id: string,
  { phase, delayUs }: Cut,
  [from, to]: readonly [string, string],
): ScenarioDocument {
  const cut = { kind: "partition", from, to, durationMs: AWAY_MS } as const;
  const faults = [{ ...cut, during: `${id}.${phase}`, delayUs }];
  return { ...document, faults } as ScenarioDocument;
}
