/** A machine that comes by the same hosts again takes its disks as it did the first time. */
import { expect, it } from "vitest";
import { fromMs } from "../../core/kernel/index.ts";
import { vmRecordOf } from "../../core/vmm/index.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

it("goes to another host, back and there again, each time as fast", () => {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 20, durationMs: 3_000, thinkTimeUs: 9_000, readPercent: 30 });
  const move = { do: "migrate", vm: "db", algorithm: "stop-and-copy" } as const;
  const world = builderOf({
    ...small,
    links: [...small.links!, { between: ["alpha", "beta"] }],
    vms: [{ ...db!, memoryMiB: 4, guest }],
    timeline: [
      { ...move, id: "there", atMs: 300, to: "beta" },
      { ...move, id: "back", after: "there.complete", to: "alpha" },
      // What was left of it there is gone by then, and its name is free.
      { ...move, id: "again", after: "back.complete", delayMs: 1_100, to: "beta" },
    ],
  }).build({ seed: 1 });
  const begun = new Map<string, number>();
  const tookNs: number[] = [];
  world.hooks.onNotice = ({ kind, data, timeNs }) => {
    if (kind === "operation" && data["kind"] === "start-run") begun.set("run", timeNs);
    if (kind === "operation-end" && /start-run-\d$/.test(String(data["id"]))) {
      tookNs.push(timeNs - begun.get("run")!);
    }
  };
  world.run({ untilNs: fromMs(2_500) });
  world.finish();
  expect(world.checker.violations).toEqual([]);
  // It was lost once, and started again: with disks that it believed to have.
  expect(vmRecordOf(world, "db").durable).toMatchObject({ run: 1, host: "beta", power: "on" });
  expect(tookNs).toHaveLength(3);
  expect(Math.max(...tookNs)).toBeLessThan(fromMs(60));
});
