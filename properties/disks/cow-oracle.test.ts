/**
 * What a foreign tool makes of copy-on-write disks: descriptors as swizzles left them, read with
 * their volumes as files; and a history as internal snapshots of a qcow2 image (copy on write)
 * against the same history converted to redo logs, as overlays.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { copyHierarchy } from "../../core/disks/cow/copy-hierarchy.ts";
import { cowSnapshot } from "../../core/disks/cow/cow-snapshot.ts";
import { revert } from "../../core/disks/cow/revert.ts";
import { CowRig } from "../../core/disks/cow/testing/cow-rig.ts";
import { SECTOR_BYTES, type SectorContent } from "../../core/kernel/index.ts";
import { volumeContent } from "../../core/platform/index.ts";
import { writeChain, writeQcow2Snapshots } from "../../traces/images/index.ts";

const have = (tool: string): boolean => spawnSync("which", [tool]).status === 0;
const directory = mkdtempSync(join(tmpdir(), "orrery-cow-"));
const at = (name: string): string => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SECTORS = 4_096;

const bytesOf = (content: SectorContent): Buffer => {
  const bytes = new Uint8Array(content.sectors * SECTOR_BYTES);
  content.readInto(0, content.sectors, bytes);
  return Buffer.from(bytes);
};

const run = (tool: string, ...args: string[]): string =>
  execFileSync(tool, args, { encoding: "utf8", cwd: directory, stdio: "pipe" });

/** Two points in time, a revert to the first, a third; writes and discards between. */
function history(): CowRig {
  const rig = new CowRig({ disks: 1, sectors: SECTORS });
  const touch = (sector: number, stamp: number): void => {
    rig.write(0, sector, 600, stamp);
    rig.write(0, sector + 100, 40, -1);
    rig.run();
  };
  const snap = (id: string): void => {
    const params = { instance: rig.instance, disks: rig.open(), pointInTime: id };
    expect(rig.do(cowSnapshot, params)).toBe("complete");
  };
  rig.powerOn();
  touch(0, 1_000);
  snap("one");
  touch(500, 5_000);
  snap("two");
  touch(2_000, 9_000);
  rig.powerOff();
  expect(rig.do(revert, { pointInTime: "one" })).toBe("complete");
  rig.powerOn();
  touch(3_000, 20_000);
  snap("three");
  touch(100, 30_000);
  rig.powerOff();
  return rig;
}

const rig = history();

/** Writes every descriptor of the VM as it lies on the array, its volume as a flat file beside it. */
function layOut(): string[] {
  const { running, pointsInTime } = rig.configuration();
  const names = [running, ...pointsInTime.map(({ disks }) => disks)].map((disks) => disks["d0"]!);
  for (const name of names) {
    writeFileSync(at(name), rig.file(name)!["text"] as string);
    const { volume } = rig.descriptor(name);
    writeFileSync(at(volume), bytesOf(volumeContent(rig.array, volume)!));
  }
  return names;
}

describe.skipIf(!have("qemu-img"))("swizzled descriptors (needs qemu-utils)", () => {
  it("are read as what they lead to, running and at each point in time", () => {
    const [running, ...points] = layOut();
    const states = rig.states(0)!;
    const contents = [states.running, ...states.points.map(({ content }) => content)];
    [running!, ...points].forEach((name, i) => {
      const info = JSON.parse(run("qemu-img", "info", "--output=json", name)) as object;
      expect(info).toMatchObject({ format: "vmdk", "virtual-size": SECTORS * SECTOR_BYTES });
      run("qemu-img", "convert", "-f", "vmdk", "-O", "raw", name, "out.raw");
      expect(readFileSync(at("out.raw")).equals(bytesOf(contents[i]!)), name).toBe(true);
    });
  });

  it("are seen to lead elsewhere when a swizzle is left out (canary)", () => {
    const [running, first] = layOut();
    const { volume } = rig.descriptor(running!);
    const text = readFileSync(at(first!), "utf8");
    writeFileSync(at(first!), text.replace(rig.descriptor(first!).volume, volume));
    run("qemu-img", "convert", "-f", "vmdk", "-O", "raw", first!, "out.raw");
    const point = bytesOf(rig.states(0)!.points[0]!.content);
    expect(readFileSync(at("out.raw")).equals(point)).toBe(false);
  });
});

describe.skipIf(!have("vmdkinfo"))("swizzled descriptors (needs libvmdk-utils)", () => {
  it("are understood by a second reader", () => {
    for (const name of layOut()) {
      const said = run("vmdkinfo", name);
      expect(said).toMatch(/Media size:\s+2\.0 MiB/);
    }
  });
});

describe.skipIf(!have("qemu-img"))("a history in both forms (needs qemu-utils)", () => {
  it("is the same as internal snapshots and, converted, as overlays", () => {
    const before = rig.states(0)!;
    writeQcow2Snapshots(at("internal.qcow2"), before.points, before.running);
    run("qemu-img", "check", "internal.qcow2");
    const image = rig.capture();
    const conversion = { target: "db", format: "redo", upTo: null };
    expect(rig.do(copyHierarchy, conversion)).toBe("complete");
    const after = rig.states(0)!;
    expect(after.layers.length).toBeGreaterThan(1);
    writeChain(at("overlay.qcow2"), "qcow2", after.layers);
    run("qemu-img", "check", "overlay.qcow2");
    run("qemu-img", "compare", "internal.qcow2", "overlay.qcow2");
    for (const { name, content } of after.points) {
      const from = ["-l", `snapshot.name=${name}`, "-O", "raw", "internal.qcow2", "point.raw"];
      run("qemu-img", "convert", ...from);
      expect(readFileSync(at("point.raw")).equals(bytesOf(content)), name).toBe(true);
    }
    expect(rig.do(copyHierarchy, { ...conversion, format: "cow" })).toBe("complete");
    const again = rig.states(0)!;
    expect(again.running.equals(before.running)).toBe(true);
    again.points.forEach(({ name, content }, i) => {
      expect(content.equals(before.points[i]!.content), name).toBe(true);
    });
    rig.restore(image);
    expect(rig.violations()).toEqual([]);
  });
});
