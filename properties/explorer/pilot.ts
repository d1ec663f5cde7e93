/** One run of the scenario as it is: what a search learns from it before it varies anything. */
import type { ReadyScenario, ResolvedScenario } from "../../scenarios/index.ts";
import type { Ground } from "../arbitraries/entries.ts";
import { runDocument } from "./run-document.ts";

/** Streams of draws that say how long a message or a request takes. */
export const isDelay = (purpose: string): boolean => /jitter|latency|service|time/.test(purpose);

/** A little beyond what was done last: that is when recoveries are under way. */
const MARGIN_MS = 20;

export function pilotGround(scenario: ReadyScenario, document: ResolvedScenario): Ground {
  const delays: { entity: string; purpose: string; draws: number }[] = [];
  const { coverage, durableSteps } = runDocument(scenario, document, {
    onEnd: ({ gate }) => {
      const counts = gate.streamDraws();
      counts.forEach((draws, index) => {
        const { entity, purpose } = gate.streamName(index);
        if (isDelay(purpose) && draws > 0) delays.push({ entity, purpose, draws });
      });
    },
  });
  const phases = Object.fromEntries([...coverage.phases].map(([kind, seen]) => [kind, [...seen]]));
  const busyMs = Math.min(document.durationMs, coverage.busyNs / 1e6 + MARGIN_MS);
  return { phases, steps: durableSteps, busyMs, delays };
}

/** The ground with the phases that a run came to see. */
export function widened(ground: Ground, seen: ReadonlyMap<string, ReadonlySet<string>>): Ground {
  let phases = ground.phases;
  for (const [kind, names] of seen) {
    const known = phases[kind] ?? [];
    const fresh = [...names].filter((name) => !known.includes(name));
    if (fresh.length > 0) phases = { ...phases, [kind]: [...known, ...fresh] };
  }
  return phases === ground.phases ? ground : { ...ground, phases };
}
