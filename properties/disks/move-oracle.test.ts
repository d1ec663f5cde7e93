/**
 * What a foreign tool reads of disks that change their format while their guest writes: exported as
 * a chain before, during (with all writes so far answered) and after the move, there and back, and
 * compared with an independent model that applies the writes in order.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cowSnapshot } from "../../core/disks/cow/cow-snapshot.ts";
import { CowRig } from "../../core/disks/cow/testing/cow-rig.ts";
import { moveFormat } from "../../core/disks/move/move-format.ts";
import { SECTOR_BYTES, SectorContent } from "../../core/kernel/index.ts";
import { writeChain } from "../../traces/images/index.ts";

const have = (tool: string): boolean => spawnSync("which", [tool]).status === 0;
const directory = mkdtempSync(join(tmpdir(), "orrery-move-"));
const at = (name: string): string => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SECTORS = 2_048;

const run = (tool: string, ...args: string[]): string =>
  execFileSync(tool, args, { encoding: "utf8", cwd: directory, stdio: "pipe" });

const bytesOf = (content: SectorContent): Buffer => {
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  content.readInto(0, SECTORS, bytes);
  return Buffer.from(bytes);
};

/** The disk of a VM, and a model of it that knows nothing of formats. */
class Written {
  readonly rig = new CowRig({ disks: 1, sectors: SECTORS });
  readonly current = new SectorContent(SECTORS);
  readonly points: { readonly name: string; readonly content: SectorContent }[] = [];
  #stamp = 1_000;

  constructor() {
    this.rig.powerOn();
    for (const name of ["one", "two"]) {
      this.write(12);
      this.rig.run();
      this.#snapshot(name);
    }
    this.write(12);
    this.rig.run();
  }

  write(count: number): void {
    for (let i = 0; i < count; i++) {
      const sector = (this.#stamp * 37) % (SECTORS - 80);
      const sectors = 1 + (this.#stamp % 70);
      const discards = i % 6 === 5;
      this.rig.write(0, sector, sectors, discards ? -1 : (this.#stamp += 80));
      if (discards) this.current.discard(sector, sectors);
      else this.current.writeStamps(sector, sectors, this.#stamp);
    }
  }

  #snapshot(pointInTime: string): void {
    const { rig } = this;
    const params = { instance: rig.instance, disks: rig.open(), pointInTime };
    expect(rig.do(cowSnapshot, params)).toBe("complete");
    this.points.push({ name: pointInTime, content: this.current.fork() });
  }

  /** All that the guest sent was answered. */
  isAnswered(): boolean {
    const { queues } = this.rig.world.entity(this.rig.instance).volatile as unknown as {
      readonly queues: readonly (readonly unknown[])[];
    };
    return queues.every(({ length }) => length === 0);
  }

  /** Both as qemu-img reads them: the disk, and each of its points in time. */
  compare(where: string): void {
    const states = this.rig.states(0)!;
    writeChain(at("chain.qcow2"), "qcow2", states.layers);
    run("qemu-img", "check", "chain.qcow2");
    writeFileSync(at("model.raw"), bytesOf(this.current));
    run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", "chain.qcow2", "model.raw");
    expect(states.points.map(({ name }) => name)).toEqual(["one", "two"]);
    states.points.forEach(({ name, content }, i) => {
      writeChain(at("point.qcow2"), "qcow2", [{ content, contentId: 7 }]);
      run("qemu-img", "convert", "-O", "raw", "point.qcow2", "point.raw");
      const expected = bytesOf(this.points[i]!.content);
      expect(readFileSync(at("point.raw")).equals(expected), `${where}: ${name}`).toBe(true);
    });
  }
}

describe.skipIf(!have("qemu-img"))("disks that change their format (needs qemu-utils)", () => {
  it("are read as written before, during and after, there and back", () => {
    const written = new Written();
    const { rig } = written;
    written.compare("before");
    for (const format of ["redo", "cow"]) {
      const params = { instance: rig.instance, disks: rig.open(), format, copySectors: 8 };
      const id = rig.start(moveFormat, params);
      let during = 0;
      while (!rig.ended.has(id)) {
        written.write(5);
        rig.runUntil(() => !written.isAnswered());
        rig.runUntil(() => written.isAnswered());
        if (!rig.ended.has(id) && during++ < 3) written.compare(`on the way to ${format}`);
        rig.world.run({ untilEvent: rig.world.eventCount + 150 });
      }
      expect(rig.ended.get(id)!.outcome).toBe("complete");
      expect(during, format).toBeGreaterThan(1);
      rig.run();
      written.compare(`now ${format}`);
    }
    expect(rig.violations()).toEqual([]);
  });

  it("are seen to differ from a model that lacks one write (canary)", () => {
    const written = new Written();
    written.current.writeStamps(5, 1, 999_999);
    expect(() => written.compare("a write too many")).toThrow(/compare/);
  });
});
