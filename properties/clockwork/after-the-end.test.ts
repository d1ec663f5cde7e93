/** An entry of the timeline that waits for the end of another one, however that ends. */
import { expect, it } from "vitest";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf, smallDatacenter } from "../testing/small-datacenter.ts";

type Entry = NonNullable<ScenarioDocument["timeline"]>[number];
type Fault = NonNullable<ScenarioDocument["faults"]>[number];

/** How `then` ended, which stops the other VM after `entry`; undefined: it never began. */
function afterwards(moment: string, entry: Entry, faults: readonly Fault[] = []) {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const then = { id: "then", after: `before.${moment}`, do: "power-off", vm: "other" } as const;
  const builder = builderOf({
    ...small,
    durationMs: 1_000,
    vms: [db!, { ...db!, id: "other", host: "beta", restartOn: [] }],
    timeline: [entry, then],
    faults: [...faults],
  });
  const world = builder.build({ seed: 1 });
  const ended = outcomesOf(world);
  world.run({ untilNs: builder.durationNs });
  world.finish();
  expect(violations(world)).toEqual([]);
  return { before: ended["before"], then: ended["then"] };
}

const snapshot: Entry = { id: "before", atMs: 100, do: "snapshot", vm: "db" };
const refused: Entry = { id: "before", atMs: 100, do: "power-on", vm: "db" };
const lost: Fault = { kind: "crash", domain: "alpha", during: "before.flush" };

const ENDS = [
  ["succeeds", snapshot, [], "complete"],
  ["is refused", refused, [], "already-on"],
  ["is lost with its host", snapshot, [lost], "crashed"],
] as const;

it.each(ENDS)("`ended` is reached by what %s", (_how, entry, faults, before) => {
  expect(afterwards("ended", entry, faults)).toEqual({ before, then: "complete" });
});

it.each(ENDS)("`complete` is reached, or not, by what %s", (_how, entry, faults, before) => {
  const then = before === "complete" ? "complete" : undefined;
  expect(afterwards("complete", entry, faults)).toEqual({ before, then });
});
