/** Traces of a real machine's pages: nothing passes them by, and nobody can tell how it was run. */
import { describe, expect, it } from "vitest";
import { captureWorld, decodeImage, encodeImage, restoreWorld } from "../../kernel/index.ts";
import type { MachineWorld, MachineWorldOptions } from "../rv64/testing/index.ts";
import { machineWorld } from "../rv64/testing/index.ts";
import { vmOf } from "../vmm.ts";
import { setTraces, takeDirty } from "./clients.ts";
import { memoryOf } from "./guest-memory.ts";
import { clientBitmap, clientOf, type MemoryEntity } from "./memory-state.ts";

const STEP_NS = 150_000;
const STEPS = 24;

const WORKING: MachineWorldOptions = {
  machines: [
    { id: "m1", program: "world/worker", host: 0, disk: true },
    { id: "m2", program: "board/smp", host: 1, harts: 4 },
  ],
};

const memoriesOf = ({ records }: MachineWorld): MemoryEntity[] =>
  records.flatMap((record) => {
    const vm = vmOf(record);
    return vm === undefined ? [] : [memoryOf(vm)];
  });

/** Two clients trace each machine; one of them takes over what is dirty every other step. */
function drive(built: MachineWorld, from: number, to: number, planted?: () => void): number {
  let taken = 0;
  for (let at = from; at < to; at++) {
    built.world.run({ untilNs: at * STEP_NS });
    if (at === 5) planted?.();
    for (const memory of memoriesOf(built)) {
      if (at === 2) {
        const wish = { client: "dirty", mode: "stores", granularity: "1GiB", by: [0] } as const;
        setTraces(memory, { ...wish, priority: 1 }, null);
      } else if (at === 3) {
        const wish = { client: "used", mode: "accesses", granularity: "2MiB", by: "all" } as const;
        setTraces(memory, { ...wish, priority: 5 }, null);
      } else if (at % 2 === 0 && clientOf(memory, "dirty")?.pending === null) {
        taken += takeDirty(memory, "dirty", [0], null);
      }
    }
  }
  return taken;
}

function begun(options: Partial<MachineWorldOptions> = {}): MachineWorld {
  const built = machineWorld({ ...WORKING, ...options });
  built.records.forEach((_, at) => built.start(at));
  return built;
}

const rootOf = ({ world }: MachineWorld): bigint => {
  world.finish();
  return world.root();
};

describe("traces of a real machine's pages", () => {
  const straight = begun();
  const taken = drive(straight, 0, STEPS);
  const used = memoriesOf(straight).map((memory) => clientBitmap(memory, "used", "dirty").count());
  const root = rootOf(straight);

  it("miss no write of a hart or a device", () => {
    expect(straight.world.checker.violations).toEqual([]);
    expect(taken).toBeGreaterThan(20);
    for (const count of used) expect(count).toBeGreaterThan(3);
  });

  it("leave one root, however the machine is run and wherever it is saved", () => {
    for (const options of [{ slice: 1_009 }, { engine: "reference", slice: 20_000 }] as const) {
      const built = begun(options);
      drive(built, 0, STEPS);
      expect(rootOf(built), JSON.stringify(options)).toBe(root);
    }
    let built = begun();
    for (const [from, to] of [
      [0, 4],
      [4, 9],
      [9, 15],
      [15, STEPS],
    ] as const) {
      drive(built, from, to);
      const delta = structuredClone(encodeImage(built.world, captureWorld(built.world), undefined));
      built = machineWorld(WORKING);
      restoreWorld(built.world, decodeImage(built.world, delta, undefined));
    }
    expect(rootOf(built)).toBe(root);
  }, 30_000);

  it("cost the machine time", () => {
    const plain = begun();
    plain.world.run({ untilNs: (STEPS - 1) * STEP_NS });
    const progress = ({ records }: MachineWorld): number =>
      (vmOf(records[1]!)!.volatile as unknown as { board: { progress: number } }).board.progress;
    expect(progress(straight)).toBeLessThan(progress(plain));
  });

  it("canary: a write that no mark in the engine stops is found", () => {
    const built = begun();
    drive(built, 0, STEPS, () => {
      const memory = memoriesOf(built)[0]!;
      const { backing } = built.world.memories.get(`${built.records[0]!.name}/run-1#ram`)!;
      const armed = clientBitmap(memory, "dirty", "armed");
      backing.write(armed.next(0), new Uint8Array(4_096).fill(7));
    });
    expect(built.world.checker.violations.length).toBeGreaterThan(0);
  });
});
