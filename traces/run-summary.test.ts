import { describe, expect, it } from "vitest";
import type { PlainObject } from "../core/kernel/index.ts";
import { kindAndVm, RunSummary } from "./run-summary.ts";

const begun = (id: string, kind: string, vm: string | null): PlainObject => ({
  id,
  kind,
  vm,
  host: "alpha",
});

const summaryOf = (...operations: readonly PlainObject[]): RunSummary =>
  RunSummary.of(operations.map((data, at) => [at, at, "alpha", "operation", data] as const));

describe("operations in their own right", () => {
  it("are those of the timeline, and what one of a host does to VMs", () => {
    const summary = summaryOf(
      begun("db.power-on", "power-on", "db"),
      begun("db.power-on.own-disks", "own-disks", "db"),
      begun("db.power-on.own-disks.acquire-disk.release", "release-disk", null),
      begun("alpha.evacuation", "evacuate", null),
      begun("alpha.evacuation.lane-1", "evacuation-lane", null),
      begun("alpha.evacuation.lane-1.migrate", "migrate", "db"),
      begun("alpha.evacuation.lane-1.migrate.own-disks", "own-disks", "db"),
      begun("nightly", "snapshot", "db"),
    );
    expect(summary.principal.map(kindAndVm)).toEqual([
      "power-on",
      "evacuate",
      "migrate db",
      "snapshot db",
    ]);
  });
});
