/** Descriptors that cannot be worked with: one code each, before anything is written. */
import { describe, expect, it } from "vitest";
import type { Editable, OperationComponent, PlainObject } from "../../kernel/index.ts";
import { type DiskDescriptor, descriptorFileOf } from "../chain/descriptor.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import { CowRig, SECTORS } from "./testing/cow-rig.ts";
import { logicalState } from "./testing/enumerate-crashes.ts";

type Damage = (rig: CowRig) => void;

/** A VM that was off when its descriptors were damaged, with one point in time. */
function damaged(damage: Damage): CowRig {
  const rig = new CowRig({ disks: 1 });
  rig.powerOn();
  rig.write(0, 0, 20, 100);
  rig.run();
  const params = { instance: rig.instance, disks: rig.open(), pointInTime: "one" };
  expect(rig.do(cowSnapshot, params)).toBe("complete");
  damage(rig);
  return rig;
}

const POINT = "db-d0.vmdk";
const RUNNING = "db-d0-000001.vmdk";

function put(rig: CowRig, name: string, value: PlainObject): void {
  const { files } = rig.array.editDurable() as Editable<{ files: { [key: string]: object } }>;
  files[`file:${name}`] = { version: 9, value };
}

const change =
  (name: string, changes: Partial<DiskDescriptor>): Damage =>
  (rig) =>
    put(rig, name, descriptorFileOf({ ...rig.descriptor(name), ...changes }));

const cutText =
  (name: string, at: string): Damage =>
  (rig) => {
    const text = rig.file(name)!["text"] as string;
    put(rig, name, { text: text.slice(0, text.indexOf(at)) });
  };

const DAMAGES: readonly (readonly [string, Damage])[] = [
  ["missing-field", cutText(RUNNING, "createType")],
  ["missing-field", cutText(POINT, "RW ")],
  ["not-a-descriptor", (rig) => put(rig, POINT, { text: "" })],
  ["cyclic-chain", change(POINT, { parent: RUNNING, parentCid: 1_000_001 })],
  ["content-id-mismatch", change(RUNNING, { parentCid: 77 })],
  ["missing-descriptor", change(RUNNING, { parent: "nobody.vmdk" })],
  ["missing-volume", change(POINT, { volume: "nothing" })],
  ["extent-out-of-bounds", change(RUNNING, { sectors: SECTORS + 1 })],
];

const OPERATIONS: readonly (readonly [string, OperationComponent, (rig: CowRig) => object])[] = [
  [
    "snapshot",
    cowSnapshot,
    (rig) => ({ instance: rig.instance, disks: rig.open(), pointInTime: "two" }),
  ],
  ["revert", revert, () => ({ pointInTime: "one" })],
  ["delete", deletePoint, () => ({ pointInTime: "one" })],
  ["copy", copyHierarchy, () => ({ target: "copy", format: "redo", upTo: null })],
];

describe.each(OPERATIONS)("a %s", (_name, operation, params) => {
  it.each(DAMAGES)("is refused with %s, and nothing is written (%#)", (code, damage) => {
    const rig = damaged(damage);
    const before = logicalState(rig);
    expect(rig.do(operation, params(rig))).toBe(code);
    expect(logicalState(rig)).toBe(before);
    expect(rig.world.activeOperations).toBe(0);
  });
});

describe("an array without copy-on-write volumes", () => {
  it("or a disk of another kind is refused by name", () => {
    const rig = new CowRig({ disks: 1, kind: "flat" });
    rig.powerOn();
    const params = { instance: rig.instance, disks: rig.open(), pointInTime: "one" };
    expect(rig.do(cowSnapshot, params)).toBe("not-copy-on-write");
    expect(rig.do(revert, { pointInTime: "one" })).toBe("no-point-in-time");
    expect(rig.do(copyHierarchy, { target: "x", format: "cow", upTo: "one" })).toBe(
      "no-point-in-time",
    );
    expect(rig.violations()).toEqual([]);
  });
});
