/** Traces of a real machine's pages: nothing passes them by, and nobody can tell how it was run. */
import { describe, expect, it } from "vitest";
import { captureWorld, decodeImage, encodeImage, restoreWorld } from "../../kernel/index.ts";
import type { MachineWorld, MachineWorldOptions } from "../rv64/testing/index.ts";
import { machineWorld } from "../rv64/testing/index.ts";
import { vmOf } from "../vmm.ts";
import type { MachineState } from "../rv64/machine-state.ts";
import { setTraces, takeDirty } from "./clients.ts";
import { loadPages, readPages, setPrivate } from "./content.ts";
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

  it("are all dirty when the machine was reset", () => {
    // It formats its disk and resets itself.
    const ledger = { program: "world/ledger", host: 0, disk: true, rng: true } as const;
    const built = begun({ machines: [{ id: "m1", peer: "m1", ...ledger }] });
    const { world, records } = built;
    world.run({ untilNs: 1_000 });
    const [memory] = memoriesOf(built) as [MemoryEntity];
    const wish = { client: "dirty", mode: "stores", granularity: "1GiB", by: [0] } as const;
    setTraces(memory, { ...wish, priority: 1 }, null);
    const boots = (): number => (vmOf(records[0]!)!.volatile as unknown as MachineState).boots;
    while (boots() === 1) {
      expect(clientBitmap(memory, "dirty", "dirty").count()).toBeLessThan(memory.config.pages);
      world.run({ untilEvent: world.eventCount + 1 });
    }
    expect(clientBitmap(memory, "dirty", "dirty").count()).toBe(memory.config.pages);
    expect(world.checker.violations).toEqual([]);
  });

  it("show private pages as ciphertext, each by itself, from which the same comes back", () => {
    const built = begun();
    drive(built, 0, STEPS);
    const [memory] = memoriesOf(built) as [MemoryEntity];
    const { backing } = built.world.memories.get(`${built.records[0]!.name}/run-1#ram`)!;
    const isUsed = (page: number): boolean => backing.read(page).some((byte) => byte !== 0);
    let page = 0;
    while (!(isUsed(page) && isUsed(page + 1) && isUsed(page + 2))) page++;
    const own = Buffer.concat([0, 1, 2].map((at) => Buffer.from(backing.read(page + at))));
    const shown = (): Buffer[] => {
      const [run] = readPages(memory, page, 3) as unknown as [{ bytes: Uint8Array }];
      return [0, 1, 2].map((at) => Buffer.from(run.bytes.subarray(at * 4_096, (at + 1) * 4_096)));
    };
    for (const hidden of [0, 1, 2]) {
      setPrivate(memory, page + hidden, 1, true);
      const parts = shown();
      for (const at of [0, 1, 2]) {
        const isPlain = parts[at]!.equals(own.subarray(at * 4_096, (at + 1) * 4_096));
        expect(isPlain).toBe(at !== hidden);
      }
      const saved = readPages(memory, page, 3);
      for (const at of [0, 1, 2]) backing.write(page + at, new Uint8Array(4_096));
      loadPages(memory, page, saved);
      setPrivate(memory, page + hidden, 1, false);
      expect(Buffer.concat(shown()).equals(own)).toBe(true);
    }
  });

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
