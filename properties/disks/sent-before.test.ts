/**
 * A VM is switched off, and a write of it is still on its way, as a link that retransmits has it. It
 * comes at any step of an operation that needs the VM to be off. It is not there, or was there when the
 * operation began: it does not come in over what the operation made, nor behind what it copied.
 */
import { describe, expect, it } from "vitest";
import { captureWorld, type Envelope, fromMs, type World } from "../../core/kernel/index.ts";
import type { ScenarioDocument } from "../../scenarios/index.ts";
import {
  afterEach,
  CRASHES_MS,
  crashPoints,
  expectRunning,
  intentsOf,
  outcomesOf,
  sampled,
} from "../testing/crash-points.ts";
import { builderOf, shortWork, smallDatacenter } from "../testing/small-datacenter.ts";

const SENT_MS = 58;
const OFF_MS = 60;
const ON_MS = 400;
const END_MS = 900;

const revert = { do: "revert", point: "first" } as const;
const convert = (to: "redo" | "cow") => ({ do: "migrate-disk-format", to }) as const;
const merge = { do: "consolidate", point: "first" } as const;
const remove = { do: "delete-snapshot", point: "first" } as const;
const clone = (format: "redo" | "cow") => ({ do: "clone", as: "other", format }) as const;

function documentOf(kind: "redo" | "cow", operation: object): ScenarioDocument {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const guest = shortWork({ bootMs: 1, durationMs: 59, thinkTimeUs: 300, readPercent: 0 });
  const disks = db!.disks!.map((disk) => ({ ...disk, kind, sizeMiB: 8 }));
  return {
    ...small,
    arrays: [{ ...small.arrays![0]!, kind: "cow", chunkKiB: 64 }],
    vms: [{ ...db!, guest, disks }],
    timeline: [
      { id: "first", atMs: 40, do: "snapshot", vm: "db" },
      { id: "off", atMs: OFF_MS, do: "power-off", vm: "db" },
      { id: "op", after: "off.complete", vm: "db", ...operation },
      { id: "on", atMs: ON_MS, do: "power-on", vm: "db" },
    ],
  } as ScenarioDocument;
}

/** Runs to when the VM goes off. The first write that was sent since stays on its way, and what follows it. */
function writesUnderWay(world: World): readonly Envelope[] {
  const array = world.named("array").id;
  const held: Envelope[] = [];
  const carry = Object.getPrototypeOf(world).carry as World["carry"];
  world.run({ untilNs: fromMs(SENT_MS) });
  world.carry = (via, envelope) => {
    const { handler, arg, from, to } = envelope;
    const { body } = arg as { readonly body?: { readonly request?: { readonly op: string } } };
    const isWrite = to === array && handler === "volume-io" && body?.request?.op === "write";
    const isAfter = held[0]?.from === from && held[0].to === to;
    if (isAfter || (held.length === 0 && isWrite)) held.push(structuredClone(envelope));
    else carry.call(world, via, envelope);
  };
  world.run({ untilNs: fromMs(OFF_MS) - 1 });
  delete (world as { carry?: unknown }).carry;
  return held;
}

describe.each([
  ["cow", revert],
  ["redo", revert],
  ["cow", clone("redo")],
  ["redo", clone("cow")],
  ["cow", convert("redo")],
  ["redo", convert("cow")],
  ["redo", merge],
  ["cow", remove],
] as const)("%s disks: %j of a VM that is off", (kind, operation) => {
  it(
    "is whole, whenever a write comes that the VM had sent",
    () => {
      const world = builderOf(documentOf(kind, operation)).build({ seed: 1 });
      const held = writesUnderWay(world);
      expect(held.length).toBeGreaterThan(0);
      const points = crashPoints(world, fromMs(ON_MS), (id) => id.startsWith("op"));
      afterEach(world, captureWorld(world), sampled(points, 2), ({ at }) => {
        const ended = outcomesOf(world);
        for (const envelope of held) world.messenger.arrive(envelope, 0);
        world.run({ untilNs: fromMs(END_MS) });
        expect([ended["op"] ?? "complete", ended["on"]], at).toEqual(["complete", "complete"]);
        expect(intentsOf(world), at).toEqual([]);
        expectRunning(world, "db", at);
      });
    },
    CRASHES_MS,
  );
});
