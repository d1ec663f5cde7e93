/**
 * The determinism audit of a search: a run is made again where other things differ that must not
 * matter, in a process that did other runs before, with snapshots restored on the way. A root that
 * differs is the worst finding there is: nothing else that was found can be relied on.
 */
import type { ReadyScenario } from "../../scenarios/index.ts";
import { runDocument } from "./run-document.ts";
import type { AuditTask, Mismatch } from "./search.ts";

/** Events between two snapshots: another number for each run. */
const SPACINGS = [61, 127, 257, 509, 1_021] as const;

export function audit(scenario: ReadyScenario, task: AuditTask): Mismatch | null {
  const { run, document, root: expected } = task;
  const snapshotEvery = SPACINGS[run % SPACINGS.length]!;
  const plain = runDocument(scenario, document).root;
  const snapshotted = runDocument(scenario, document, { snapshotEvery }).root;
  if (plain === expected && snapshotted === expected) return null;
  const conditions =
    plain === expected
      ? `snapshots restored every ${snapshotEvery} events`
      : "another process, after other runs";
  return { run, document, expected, found: plain === expected ? snapshotted : plain, conditions };
}
