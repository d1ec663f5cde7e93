/** A host that warns before it fails: who is moved in time, who stays, and that nobody runs twice. */
import { describe, expect, it } from "vitest";
import { fromMs, type PlainObject, type World } from "../../core/kernel/index.ts";
import { powerStateOf, vmRecordOf } from "../../core/vmm/index.ts";
import ready from "../../scenarios/evacuation.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import { builderOf } from "../testing/small-datacenter.ts";

const evacuating = ready.document;

type Host = NonNullable<ScenarioDocument["hosts"]>[number];

/** The ready scenario with smaller guests, and another policy. */
function run(policy: Partial<NonNullable<Host["evacuation"]>> | null, changes: PlainObject = {}) {
  const [alpha, ...others] = evacuating.hosts!;
  const { evacuation, ...bare } = alpha!;
  const document = {
    ...evacuating,
    durationMs: 15_000,
    hosts: [
      policy === null ? bare : { ...bare, evacuation: { ...evacuation, ...policy } },
      ...others,
    ],
    faults: evacuating.faults!.map((each) => ({ ...each, overMs: 8_000 })),
    vms: evacuating.vms!.map((vm) => ({
      ...vm,
      guest: { kind: "workload", phases: [{ name: "rest", durationMs: 60_000 }] },
    })),
    expect: [],
    ...changes,
  } as unknown as ScenarioDocument;
  const world = builderOf(document).build({ seed: 3 });
  let figures: PlainObject = {};
  let underway = 0;
  let most = 0;
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation" && data["kind"] === "migrate") most = Math.max(most, ++underway);
    if (kind !== "operation-end") return;
    if (String(data["id"]).endsWith(".migrate")) underway--;
    if (String(data["id"]) === "alpha.evacuation") figures = data["figures"] as PlainObject;
  };
  world.run({ untilNs: fromMs(15_000) });
  world.finish();
  expect(world.checker.violations).toEqual([]);
  const stateOf = (vm: string) => {
    const record = vmRecordOf(world, vm);
    return `${powerStateOf(record)} on ${record.durable.host}, run ${record.durable.run}`;
  };
  const states = Object.fromEntries(evacuating.vms!.map(({ id }) => [id, stateOf(id)]));
  return { world, states, figures, most };
}

const operationsLeft = (world: World): number => world.activeOperations;

describe("an evacuation", () => {
  it("moves the important ones first, a few at a time, and leaves who finds no room", () => {
    const { world, states, figures, most } = run({});
    const moved = figures["moved"] as unknown as { vm: string; downtimeNs: number }[];
    expect(
      moved
        .map(({ vm }) => vm)
        .slice(0, 2)
        .sort(),
    ).toEqual(["ledger", "mail"]);
    expect(moved).toHaveLength(4);
    for (const { downtimeNs } of moved) expect(downtimeNs).toBeLessThan(fromMs(100));
    expect(figures["stayed"]).toEqual([{ vm: "cache", code: "no-memory" }]);
    expect(most).toBe(2);
    expect(states).toMatchObject({
      ledger: "running on beta, run 1",
      mail: "running on gamma, run 1",
      cache: "running on alpha, run 2",
    });
    expect(operationsLeft(world)).toBe(0);
  });

  it.each(["post-copy", "stop-and-copy"] as const)("moves by %s too", (algorithm) => {
    const { states } = run({ algorithm, parallel: 4 });
    for (const vm of ["ledger", "mail", "web", "build"]) expect(states[vm]).toMatch(/run 1$/);
  });

  it("that begins too late saves some; the others are restarted", () => {
    const { states } = run({ at: "critical", parallel: 1 });
    const runs = Object.values(states).map((state) => state.slice(-1));
    expect(runs.filter((each) => each === "1").length).toBeGreaterThan(0);
    expect(runs.filter((each) => each === "2").length).toBeGreaterThan(1);
    for (const state of Object.values(states)) expect(state).toMatch(/^running/);
  });

  it("canary: without a policy nobody is saved", () => {
    const { states } = run(null);
    for (const state of Object.values(states)) expect(state).toMatch(/^running .* run 2$/);
  });

  it("is a word of the timeline, for a host that is well", () => {
    const timeline = [
      { id: "empty", atMs: 500, do: "evacuate", host: "alpha", to: ["beta", "gamma"] },
    ];
    const { states } = run(null, { timeline, faults: [] });
    expect(Object.values(states).filter((state) => state.endsWith("run 1"))).toHaveLength(5);
    expect(states).toMatchObject({ ledger: "running on beta, run 1" });
  });
});
