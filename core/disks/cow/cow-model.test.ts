/**
 * Random work on copy-on-write disks against a plain model: for each point in time an image of each
 * disk. The guest writes while operations run; any of them may be disturbed by the loss of the host
 * or the array at any event, or by a fault of the array's tasks.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type OperationComponent, SectorContent } from "../../kernel/index.ts";
import { volumeContent } from "../../platform/index.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { copyHierarchy } from "./copy-hierarchy.ts";
import { cowSnapshot } from "./cow-snapshot.ts";
import { deletePoint } from "./delete-point.ts";
import { revert } from "./revert.ts";
import { CowRig, SECTORS } from "./testing/cow-rig.ts";

const DISKS = 2;

type Disturbance =
  | { readonly lose: "nothing" }
  | { readonly lose: "host" | "array"; readonly after: number }
  | {
      readonly lose: "task";
      readonly fault: "lostTasks" | "lateTasks" | "failedItems" | "tornCopies";
      readonly skip: number;
    };

type Write = {
  readonly disk: number;
  readonly sector: number;
  readonly sectors: number;
  readonly discards: boolean;
  /** From the start of the operation. */
  readonly delayNs: number;
};

type Command = {
  readonly do: "snapshot" | "revert" | "delete" | "clone" | "convert" | "collect" | "rest";
  readonly which: number;
  /** Sent just before the operation begins: it goes on while the operation runs. */
  readonly writes: readonly Write[];
  readonly disturbance: Disturbance;
};

const write: fc.Arbitrary<Write> = fc
  .record({
    disk: fc.nat(DISKS - 1),
    sector: fc.nat(SECTORS - 1),
    sectors: fc.integer({ min: 1, max: 24 }),
    discards: fc.integer({ min: 0, max: 4 }).map((chance) => chance === 0),
    delayNs: fc.nat(1_500_000),
  })
  .map((each) => ({ ...each, sectors: Math.min(each.sectors, SECTORS - each.sector) }));

const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Disturbance>({ lose: "nothing" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      lose: fc.constantFrom("host" as const, "array" as const),
      after: fc.nat(120),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      lose: fc.constant("task" as const),
      fault: fc.constantFrom(
        "lostTasks" as const,
        "lateTasks" as const,
        "failedItems" as const,
        "tornCopies" as const,
      ),
      skip: fc.nat(3),
    }),
  },
);

const command: fc.Arbitrary<Command> = fc.record({
  do: fc.oneof(
    { weight: 5, arbitrary: fc.constant("snapshot" as const) },
    { weight: 3, arbitrary: fc.constant("revert" as const) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        "delete" as const,
        "clone" as const,
        "convert" as const,
        "collect" as const,
        "rest" as const,
      ),
    },
  ),
  which: fc.nat(9),
  writes: fc
    .array(write, { maxLength: 8 })
    .map((writes) => writes.toSorted((a, b) => a.delayNs - b.delayNs)),
  disturbance,
});

class Model {
  readonly rig = new CowRig({ disks: DISKS });
  /** What each disk holds; what the guest was answered is in it. */
  current = Array.from({ length: DISKS }, () => new SectorContent(SECTORS));
  readonly points = new Map<string, readonly SectorContent[]>();
  /** What the disks held when the last revert began. */
  #before: readonly SectorContent[] = [];
  #made = 0;
  #stamp = 1;

  run(each: Command): void {
    const { rig } = this;
    const needsOff = ["revert", "clone", "convert"].includes(each.do);
    rig.powerOn();
    const at = this.#rememberStun();
    for (const one of each.writes) this.#write(one);
    if (needsOff) this.#finishWrites();
    if (needsOff) rig.powerOff();
    this.#operate(each, at);
    this.#recover();
    this.#check(`${each.do} ${JSON.stringify(each.disturbance)}`);
    rig.powerOff();
  }

  #write({ disk, sector, sectors, discards, delayNs }: Write): void {
    const stamp = discards ? -1 : this.#stamp;
    this.#stamp += sectors;
    this.rig.write(disk, sector, sectors, stamp, delayNs);
    if (discards) this.current[disk]!.discard(sector, sectors);
    else this.current[disk]!.writeStamps(sector, sectors, stamp);
  }

  #finishWrites(): void {
    this.rig.run();
    this.#compareRunning("after writes");
  }

  /** What the array's bases hold while the guest stands still, all its writes through. */
  #rememberStun(): SectorContent[] {
    const images: SectorContent[] = [];
    const bases = Array.from({ length: DISKS }, (_, disk) => this.#base(disk));
    const { hooks } = this.rig.world;
    const { onNotice } = hooks;
    hooks.onNotice = (notice) => {
      onNotice?.(notice);
      if (notice.kind === "guest-at-point") images.push(...bases.map((base) => base.fork()));
    };
    return images;
  }

  #base(disk: number): SectorContent {
    const { running } = this.rig.configuration();
    return volumeContent(this.rig.array, this.rig.descriptor(running[`d${disk}`]!).volume)!;
  }

  #operate({ do: what, which, disturbance: by }: Command, stunned: SectorContent[]): void {
    const { rig } = this;
    const names = [...this.points.keys()];
    const chosen = names[which % Math.max(1, names.length)];
    switch (what) {
      case "rest":
        return void this.#disturbed(by, collectGarbage, {});
      case "collect":
        return void this.#disturbed(by, collectGarbage, {});
      case "snapshot": {
        const id = `p${++this.#made}`;
        const params = { instance: rig.instance, disks: rig.open(), pointInTime: id };
        this.#disturbed(by, cowSnapshot, params);
        this.#recover();
        if (this.#listed().includes(id)) this.points.set(id, stunned.slice(0, DISKS));
        return;
      }
      case "revert": {
        if (chosen === undefined) return;
        this.#before = this.current.map((each) => each.fork());
        const id = this.#disturbed(by, revert, { pointInTime: chosen });
        this.#recover();
        return this.#reverted(this.points.get(chosen)!, rig.ended.get(id)?.outcome);
      }
      case "delete":
        if (chosen === undefined) return;
        this.#disturbed(by, deletePoint, { pointInTime: chosen });
        this.#recover();
        if (!this.#listed().includes(chosen)) this.points.delete(chosen);
        return;
      case "clone": {
        const target = `copy${++this.#made}`;
        const format = which % 2 === 0 ? "cow" : "redo";
        this.#disturbed(by, copyHierarchy, { target, format, upTo: null });
        this.#recover();
        if (rig.file(`${target}.vmx`) !== undefined) this.#compareCopy(target);
        return;
      }
      case "convert":
        this.#disturbed(by, copyHierarchy, { target: "db", format: "redo", upTo: null });
        this.#recover();
        this.#check("converted");
        if (this.#kind() === "cow") return;
        rig.do(copyHierarchy, { target: "db", format: "cow", upTo: null });
        expect(this.#kind()).toBe("cow");
    }
  }

  #disturbed(by: Disturbance, kind: OperationComponent, params: object): string {
    const { rig } = this;
    const id = rig.start(kind, params);
    if (by.lose === "task") {
      rig.armAfter(by.fault, by.skip);
      rig.finish(id);
      rig.disarm();
      return id;
    }
    if (by.lose === "nothing") rig.finish(id);
    else rig.world.run({ untilEvent: rig.world.eventCount + by.after });
    if (by.lose === "host") {
      rig.crashHost();
      rig.run(1_000_000);
      rig.restartHost();
    } else if (by.lose === "array") {
      rig.world.crash(rig.domains.array, "test");
      rig.pass(300_000_000);
      rig.world.restart(rig.domains.array);
      rig.finish(id);
    }
    return id;
  }

  /** As power-on after a crash does; what the guest had on its way is there or not. */
  #recover(): void {
    const { rig } = this;
    rig.run();
    if (rig.instance < 0) {
      expect(rig.settle()).toBe("complete");
      for (let disk = 0; disk < DISKS; disk++) {
        const found = rig.states(disk)?.running;
        expect(found).toBeDefined();
        this.current[disk] = found!.fork(); // the view invariant judges it when the disk is opened
      }
    }
  }

  #listed(): string[] {
    return this.rig.configuration().pointsInTime.map(({ id }) => id);
  }

  /** All disks are at the point, or all are as before; which, the operation said if it could. */
  #reverted(reached: readonly SectorContent[], outcome: string | undefined): void {
    const stands = this.#holds(reached);
    const isBack = this.#holds(this.#before);
    if (outcome === "complete") expect(stands).toBe(true);
    else expect(outcome === "crashed" ? stands || isBack : isBack).toBe(true);
    this.current = (isBack && outcome !== "complete" ? this.#before : reached).map((each) =>
      each.fork(),
    );
  }

  #holds(images: readonly SectorContent[]): boolean {
    return images.every((image, disk) => this.#base(disk).equals(image));
  }

  #kind(): string {
    return this.rig.descriptor(this.rig.configuration().running["d0"]!).kind;
  }

  #compareRunning(where: string): void {
    for (let disk = 0; disk < DISKS; disk++) {
      const { running } = this.rig.states(disk)!;
      expect(running.equals(this.current[disk]!), `${where}: disk ${disk}`).toBe(true);
    }
  }

  #compareCopy(target: string): void {
    for (let disk = 0; disk < DISKS; disk++) {
      const copy = this.rig.states(disk, target)!;
      expect(copy.running.equals(this.current[disk]!), target).toBe(true);
      expect(copy.points.map(({ name }) => name)).toEqual([...this.points.keys()]);
      for (const { name, content } of copy.points) {
        expect(content.equals(this.points.get(name)![disk]!), `${target} ${name}`).toBe(true);
      }
    }
  }

  #check(where: string): void {
    const { rig } = this;
    expect(rig.file("db.intent"), where).toBeUndefined();
    expect(rig.world.activeOperations, where).toBe(0);
    expect(rig.violations(), where).toEqual([]);
    expect(this.#listed(), where).toEqual([...this.points.keys()]);
    for (let disk = 0; disk < DISKS; disk++) {
      for (const { name, content } of rig.states(disk)!.points) {
        expect(content.equals(this.points.get(name)![disk]!), `${where}: ${name}`).toBe(true);
      }
    }
    this.#compareRunning(where);
  }
}

describe("copy-on-write disks", () => {
  it("keep to a model of plain images, whatever is lost and when", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 10 }), (commands) => {
        const model = new Model();
        for (const each of commands) model.run(each);
        model.rig.world.finish();
        expect(model.rig.violations()).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
