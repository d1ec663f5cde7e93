/**
 * The determinism audit of a search: a run is made again where other things differ that must not
 * matter, in a process that did other runs before, with snapshots restored on the way, and once with
 * every record hashed anew now and then, for what changed without an edit. A root that differs is the
 * worst finding there is: nothing else that was found can be relied on.
 */
import { captureWorld, changedInPlace, restoreWorld, type World } from "../../core/kernel/index.ts";
import type { ReadyScenario } from "../../scenarios/index.ts";
import { runDocument, type RunOptions } from "./run-document.ts";
import type { AuditTask, Mismatch } from "./search.ts";

/** Events between two snapshots: another number for each run. */
const SPACINGS = [61, 127, 257, 509, 1_021] as const;

/** Of a run that goes on for long they are further apart: each costs as much as the world is large. */
const MOST_PAUSES = 256;

export function audit(
  scenario: ReadyScenario,
  task: AuditTask,
  options: Pick<RunOptions, "alive"> = {},
): Mismatch | null {
  const { run, document, root: expected } = task;
  const differs = (found: string, conditions: string): Mismatch => {
    return { run, document, expected, found, conditions };
  };
  const { root: plain, events } = runDocument(scenario, document, options);
  if (plain !== expected) return differs(plain, "another process, after other runs");
  const every = Math.max(SPACINGS[run % SPACINGS.length]!, Math.ceil(events / MOST_PAUSES));
  const pauses = { every, then: restoreInPlace };
  const restored = runDocument(scenario, document, { ...options, pauses });
  if (restored.root !== expected) {
    return differs(restored.root, `snapshots restored every ${every} events`);
  }
  const changed = firstInPlace(scenario, document, every, options);
  return changed === undefined ? null : differs("that leaves something out", changed);
}

function restoreInPlace(world: World): void {
  restoreWorld(world, captureWorld(world));
  world.queue.rebuildIndex();
}

/** What changes otherwise than by an edit, and by when; undefined: nothing does. */
function firstInPlace(
  scenario: ReadyScenario,
  document: AuditTask["document"],
  every: number,
  options: Pick<RunOptions, "alive">,
): string | undefined {
  let first: string | undefined;
  const look = (world: World): void => {
    const [changed] = first === undefined ? changedInPlace(world) : [];
    if (changed !== undefined) first = `${changed} changed in place by event ${world.eventCount}`;
    world.root();
  };
  runDocument(scenario, document, { ...options, pauses: { every, then: look }, onEnd: look });
  return first;
}
