/**
 * The bare-metal set in a world: console bytes, instructions executed, output and root are the same
 * over repeats, at three slice sizes and in both engines.
 */
import { expect, it } from "vitest";
import { hashHex } from "../../kernel/index.ts";
import { vmOf } from "../index.ts";
import { liveMachine, type MachineEntity, type MachineEntry } from "./machine-state.ts";
import { type MachineOptions, machineWorld } from "./testing/index.ts";

const SLICES = [1_000, 7_919, 10_000_000];
const END_NS = 500_000;

const alone = (program: string, more: Partial<MachineOptions> = {}): readonly MachineOptions[] => [
  { id: "m1", program, host: 0, ...more },
];

const SETS: readonly (readonly [string, readonly MachineOptions[]])[] = [
  ["primes", alone("primes")],
  ["newton", alone("newton")],
  ["paging", alone("paging")],
  ["timer", alone("board/timer")],
  ["accessed", alone("board/accessed")],
  ["echo", alone("board/echo", { typed: [{ waitFor: "type", delayNs: 5_000, text: "a\n\n" }] })],
  ["smp", alone("board/smp", { harts: 4 })],
  ["worker", alone("world/worker", { disk: true })],
  ["spinner", alone("world/spinner")],
  [
    "talk",
    [
      { id: "m1", program: "world/talk", host: 0, peer: "m2" },
      { id: "m2", program: "world/talk", host: 1, peer: "m1" },
    ],
  ],
];

function outcome(
  machines: readonly MachineOptions[],
  slice: number,
  engine: "compiled" | "reference",
) {
  const { world, records, start, consoles } = machineWorld({ machines, slice, engine });
  const executed: { [vm: string]: number } = {};
  const { onNotice } = world.hooks;
  world.hooks.onNotice = (notice) => {
    onNotice?.(notice);
    const { vm, step, input } = notice.data as unknown as MachineEntry;
    if (notice.kind === "boundary" && input.kind === "end") executed[vm] = step;
  };
  machines.forEach((_, at) => start(at));
  world.run({ untilNs: END_NS });
  world.finish();
  for (const record of records) {
    const machine = vmOf(record) as unknown as MachineEntity | undefined;
    if (machine !== undefined) executed[record.name] = liveMachine(machine).executed();
  }
  const outputs = records.map(({ durable }) => durable.outputs);
  return { root: hashHex(world.root()), executed, consoles, outputs };
}

it.each(SETS)(
  "%s",
  (_name, machines) => {
    const first = outcome(machines, 10_000_000, "compiled");
    expect(Object.values(first.executed).every((count) => count > 0)).toBe(true);
    for (const engine of ["compiled", "reference"] as const) {
      for (const slice of SLICES) {
        expect(outcome(machines, slice, engine), `${engine} ${slice}`).toEqual(first);
      }
    }
  },
  60_000,
);
