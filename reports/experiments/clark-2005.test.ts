/** What the engine predicts of published migrations, against the goals. */
import { describe, expect, it } from "vitest";
import { clark2005 } from "./clark-2005.ts";
import { comparedFigures } from "./held-against.ts";
import { runExperiment } from "./run-experiment.ts";
import { withSettings } from "./sweep.ts";

/** Downtime, total and bytes: how far published and predicted may be apart. */
const GOALS: { readonly [what: string]: number } = { downtime: 0.25, total: 0.15, sent: 0.1 };

async function ratios(workloads: string, method: string) {
  const changed = withSettings(clark2005, [`workload=${workloads}`, `method=${method}`]);
  if (!changed.ok) throw new Error(changed.message);
  const { experiment } = changed;
  const result = (await runExperiment(experiment, { seeds: [1] }))!;
  return comparedFigures(result).filter(({ what }) => what in GOALS);
}

describe("predictions of Clark et al. 2005", () => {
  it("of Quake 3 and of an idle machine are within the goals", async () => {
    const found = [
      ...(await ratios("quake3", "pre-copy")),
      ...(await ratios("idle-512", "stop-and-copy")),
    ];
    expect(found).toHaveLength(6);
    for (const { what, ratio } of found) expect(Math.abs(ratio - 1)).toBeLessThan(GOALS[what]!);
  }, 60_000);

  it.runIf(process.env["ORRERY_EXHAUSTIVE"] !== undefined)(
    "of SPECweb99 and of the web server are within the goals",
    async () => {
      const found = await ratios("specweb99,web-server", "pre-copy");
      expect(found).toHaveLength(5);
      for (const { what, ratio } of found) expect(Math.abs(ratio - 1)).toBeLessThan(GOALS[what]!);
    },
    240_000,
  );
});
