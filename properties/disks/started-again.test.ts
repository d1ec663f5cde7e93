/**
 * An entry that is started again after its first start was lost with its host: what that left behind is
 * another operation's, although both bear the entry's id.
 */
import { describe, expect, it } from "vitest";
import { fromMs, operation, wait } from "../../core/kernel/index.ts";
import {
  createBuilder,
  NOTHING_OWN,
  type OwnOperation,
  validateDocument,
} from "../../scenarios/index.ts";
import { intentsOf } from "../testing/crash-points.ts";
import { smallDatacenter } from "../testing/small-datacenter.ts";

const EVERY_NS = fromMs(500);

/** Its one phase comes again and again. */
const clock: OwnOperation = {
  family: "operation",
  name: "tick",
  description: "Ticks.",
  parameters: { type: "object", properties: {} },
  operation: operation("tick", { tick: () => wait(EVERY_NS, "tick") }),
  host: (world) => world.named("beta"),
};

/**
 * Every tick starts `entry`, and alpha is lost in `phase` of the first start; the VM is powered on at
 * `onMs`. How each start ended, and what is wrong in the end.
 */
function startedAgain(entry: object, phase: string, onMs: number) {
  const small = smallDatacenter();
  const [db] = small.vms!;
  const timeline = [
    { id: "first", atMs: 300, do: "snapshot", vm: "db" },
    { id: "second", atMs: 600, do: "snapshot", vm: "db" },
    { id: "off", atMs: 900, do: "power-off", vm: "db" },
    { id: "tick", atMs: 1_000, do: "tick" },
    { id: "again", after: "tick.tick", ...entry, vm: "db" },
    { id: "on", atMs: onMs, do: "power-on", vm: "db" },
  ];
  const faults = [
    { kind: "crash", domain: "alpha", during: `again.${phase}`, restartAfterMs: 100 },
  ];
  const whole = {
    ...small,
    durationMs: 2_700,
    arrays: [{ ...small.arrays![0]!, kind: "cow", chunkKiB: 64 }],
    vms: [{ ...db!, disks: db!.disks!.map((disk) => ({ ...disk, sizeMiB: 8 })) }],
    timeline,
    faults,
  };
  const checked = validateDocument(whole, { file: "test", extensions: [clock] });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const own = { ...NOTHING_OWN, mechanisms: [clock] };
  const world = createBuilder(checked.document, [], own).build({ seed: 1 });
  const ended: string[] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "again") ended.push(data["outcome"] as string);
  };
  world.run({ untilNs: fromMs(2_700) });
  world.finish();
  const violations = world.checker.violations.map(({ invariant }) => invariant);
  return { ended: ended.slice(0, 3), violations, intents: intentsOf(world) };
}

describe("an entry that is started again", () => {
  // It had become one that is undone, and gone on with.
  it.each(["step", "commit"])(
    "takes no intent of a start that was lost in %s for its own while a power-on settles it",
    (phase) => {
      const convert = { do: "migrate-disk-format", to: "cow" };
      const { ended, violations, intents } = startedAgain(convert, phase, 1_503.4);
      expect(violations).toEqual([]);
      expect(intents).toEqual([]);
      const outcome = phase === "step" ? "complete" : "same-format";
      expect(ended).toEqual(["crashed", "version-conflict", outcome]);
    },
  );

  it("is refused like any other operation until the VM is powered on", () => {
    const { ended, intents } = startedAgain({ do: "revert", point: "first" }, "commit", 1_700);
    expect(ended).toEqual(["crashed", "version-conflict", "vm-on"]);
    expect(intents).toEqual([]);
  });
});
