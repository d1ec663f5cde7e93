/**
 * A violating write whose instruction also leaves integrity mode, or that an interrupt comes before, at or
 * behind: its alert is told once, whoever the tables belong to by then.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, decodeImage, encodeImage, restoreWorld } from "../../kernel/index.ts";
import { machineWorld, type MachineWorld } from "../rv64/testing/index.ts";
import { leavingDriver } from "../rv64/testing/leaving-driver.ts";
import { vmOf } from "../vmm.ts";
import { TABLES_CHANGED } from "./tables.ts";

const ROUNDS = 48;
const PROGRAM = leavingDriver(ROUNDS);
/** Ten times what it takes: a driver that never gets out of the mode goes on and on. */
const MOST_EVENTS = 2_000;

type Told = { readonly page: number; readonly table: number; readonly progress: number };

/** `savedAtNs`: the world is put away there and goes on in another process. */
function run(engine: "compiled" | "reference", slice: number, savedAtNs: readonly number[] = []) {
  const told: Told[] = [];
  let changes = 0;
  const begin = (): MachineWorld => {
    const machine = { id: "m1", program: PROGRAM, host: 0, firmware: true };
    const built = machineWorld({ machines: [machine], engine, slice });
    built.world.hooks.onNotice = ({ kind, data }) => {
      if (kind === TABLES_CHANGED) changes++;
      if (kind !== "integrity-alert") return;
      const { page, table, progress } = data as unknown as Told;
      told.push({ page, table, progress });
    };
    return built;
  };
  let built = begin();
  built.start(0);
  for (const untilNs of savedAtNs) {
    built.world.run({ untilNs });
    const { world } = built;
    const delta = structuredClone(encodeImage(world, captureWorld(world), undefined));
    built = begin();
    restoreWorld(built.world, decodeImage(built.world, delta, undefined));
  }
  built.world.run({ untilNs: 5_000_000, untilEvent: MOST_EVENTS });
  expect(vmOf(built.records[0]!)).toBeUndefined();
  built.world.finish();
  return { told, changes, violations: built.world.checker.violations };
}

describe("a violating write at which integrity mode ends", () => {
  const straight = run("compiled", 10_000);

  it("is told once, wherever an interrupt comes", () => {
    expect(straight.violations).toEqual([]);
    expect(straight.told.length).toBe(ROUNDS);
    for (const { page, table } of straight.told) expect([page, table]).toEqual([5, 2]);
    expect(new Set(straight.told.map(({ progress }) => progress)).size).toBe(ROUNDS);
    // Some stays were interrupted: two changes of the tables more for each than going in and out.
    expect(straight.changes).toBeGreaterThan(2 * ROUNDS + 20);
  });

  it("is told once in the other engine, in other slices, and where the world was put away", () => {
    expect(run("reference", 3).told).toEqual(straight.told);
    const [first, last] = [straight.told[0]!.progress, straight.told.at(-1)!.progress];
    const saved = Array.from({ length: 40 }, (_, at) => (first + ((last - first) * at) / 40) * 10);
    expect(run("compiled", 7, saved.map(Math.floor)).told).toEqual(straight.told);
  });
});
