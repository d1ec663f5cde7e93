/** Alerts of devices whose work is undone and done again, because a page that it needs is not there. */
import { describe, expect, it } from "vitest";
import { component, type Entity } from "../../kernel/index.ts";
import type { integrity, rv64 } from "../../guest/index.ts";
import { BOUNDARY_NOTICE } from "../boundary.ts";
import { holdAccess, releaseAccess } from "../pages/held.ts";
import { setTraces } from "../pages/clients.ts";
import { memoryOf } from "../pages/guest-memory.ts";
import { MachineTraces } from "../pages/machine-traces.ts";
import { clientBitmap, type MemoryEntity } from "../pages/memory-state.ts";
import { DEVICE, type TraceHit } from "../pages/tracer.ts";
import { boardOf, liveMachine, type MachineEntity } from "../rv64/machine-state.ts";
import { machineWorld } from "../rv64/testing/index.ts";
import { changeTables } from "./tables.ts";

type Told = { readonly hits: readonly TraceHit[]; readonly holds: number };

/** Hears of every access, and holds those of devices to one page. */
const holder = component<Record<string, never>, Record<string, never>, Told>({
  kind: "test-holder",
  volatile: () => ({ hits: [], holds: -1 }),
  handlers: {
    "trace-hit": (self, hit: TraceHit) => {
      if (hit.vcpu !== DEVICE) return;
      self.edit().hits.push(hit);
      const memory = self.world.entity(hit.memory) as unknown as MemoryEntity;
      if (hit.page === self.volatile.holds) holdAccess(memory, hit);
    },
  },
});

type Input = Extract<rv64.BoardInput, { readonly kind: "block-done" }>;

const ONE = { id: "m1", program: "world/worker", host: 0, disk: true } as const;

/** The first answer of a disk that brings something, and the event in which it arrives. */
function firstRead(): { readonly event: number; readonly input: Input } {
  const { world, start } = machineWorld({ machines: [ONE] });
  let found: { event: number; input: Input } | undefined;
  world.hooks.onNotice = ({ kind, data }) => {
    const input = data["input"] as unknown as Input;
    const isRead = kind === BOUNDARY_NOTICE && input.kind === "block-done" && input.runs;
    if (isRead) found ??= { event: world.eventCount, input: structuredClone(input) };
  };
  start(0);
  world.run({ untilNs: 10_000_000 });
  return found!;
}

/** A machine that waits for its disk, and whose memory somebody looks at. */
function waiting({ event, input }: ReturnType<typeof firstRead>) {
  const { world, start } = machineWorld({ machines: [ONE] });
  const machine: MachineEntity = start(0);
  const board = () => boardOf(machine);
  world.run({ untilEvent: event - 1 });
  const memory = memoryOf(machine as never);
  const owner = world.spawn(holder, {}, { domain: machine.domain, name: "holder" });
  const wish = { client: "all", mode: "accesses", granularity: "4KiB", by: "all" } as const;
  setTraces(memory, { ...wish, keeps: true, priority: 9, owner: owner.id }, null);
  clientBitmap(memory, "all", "armed").addRange(0, memory.config.pages);
  const offer = () => {
    const traces = new MachineTraces(memory, liveMachine(machine), board());
    const waits = board().offer(input);
    traces.keep();
    return waits;
  };
  return { memory, owner: owner as unknown as Entity, offer };
}

describe("work of a device that comes to a page which is not there", () => {
  it("raises the alerts of its writes once, when it is done", () => {
    const read = firstRead();
    const first = waiting(read);
    expect(first.offer()).toBeNull();
    const { hits } = first.owner.volatile as Told;
    const written = hits.filter(({ writes }) => writes).map(({ page }) => page);
    const page = written[0]!;
    const last = hits.map((hit) => hit.page).findLast((each) => each !== page)!;
    expect(last).toBeDefined();
    const again = waiting(read);
    const none = { page: 0, pages: 0 };
    const second = { code: none, data: none, registered: [{ page, pages: 1 }], tables: [1] };
    changeTables(again.memory, second as unknown as integrity.SecondStage);
    const state = again.owner.edit() as { holds: number };
    state.holds = last;
    const alerts = () => again.memory.volatile.tables!.alerts;
    for (let round = 0; round < 3; round++) {
      expect(again.offer()).not.toBeNull();
      expect(alerts()).toEqual([]);
      releaseAccess(again.memory);
    }
    state.holds = -1;
    expect(again.offer()).toBeNull();
    const writes = written.filter((each) => each === page).length;
    expect(alerts()).toEqual(
      Array.from({ length: writes }, () => ({ page, vcpu: DEVICE, table: 1, holds: "registered" })),
    );
  });
});
