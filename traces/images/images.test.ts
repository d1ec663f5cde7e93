/** Images as other tools read them: qemu-img is the judge, our own expansion the reference. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { SECTOR_BYTES, SectorContent } from "../../core/kernel/index.ts";
import { writeQcow2, writeVmdkSparse } from "./index.ts";
import type { ImageSource } from "./image-source.ts";
import { writeImage, type ImageFormat } from "./write-image.ts";

const haveQemuImg = spawnSync("qemu-img", ["--version"]).status === 0;
const haveVmdkInfo = spawnSync("vmdkinfo", ["-V"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "orrery-images-"));
afterAll(() => rmSync(folder, { recursive: true }));

const qemuImg = (...args: string[]): string =>
  execFileSync("qemu-img", args, { encoding: "utf8", cwd: folder });
const status = (...args: string[]): number | null =>
  spawnSync("qemu-img", args, { cwd: folder }).status;

/** A size that ends in the middle of a cluster, a grain and a page. */
const SECTORS = 3 * 2 ** 16 + 57;

function someDisk(): SectorContent {
  const disk = new SectorContent(SECTORS);
  disk.writeStamps(0, 1, 1);
  disk.writeStamps(127, 2, 900); // across a cluster border
  disk.writeBytes(
    300,
    Uint8Array.from({ length: 3 * SECTOR_BYTES }, (_, index) => index % 251),
  );
  disk.writeZeros(512, 256); // zeros that were written
  disk.writeStamps(2 ** 16 - 3, 5000, 7000); // across a grain table border
  disk.writeStamps(SECTORS - 4, 4, 50); // the last sectors of all
  return disk;
}

function bytesOf(source: ImageSource): Buffer {
  const bytes = Buffer.alloc(source.sectors * SECTOR_BYTES);
  source.readInto(0, source.sectors, bytes);
  return bytes;
}

const qemuName: Record<ImageFormat, string> = {
  raw: "raw",
  qcow2: "qcow2",
  vmdk: "vmdk",
  "vmdk-flat": "vmdk",
};

test("a raw image is the bytes of the disk, sparse", () => {
  const disk = someDisk();
  const path = join(folder, "plain.raw");
  writeImage(path, "raw", disk);
  expect(readFileSync(path).equals(bytesOf(disk))).toBe(true);
  expect(statSync(path).blocks * 512).toBeLessThan(8 * 2 ** 20);
});

test("a disk that cannot be read to its end leaves no file", () => {
  const path = join(folder, "cut.qcow2");
  const broken: ImageSource = {
    sectors: SECTORS,
    allocatedRuns: () => [{ sector: 0, sectors: 1 }],
    readInto: () => {
      throw new Error("gone");
    },
  };
  expect(() => writeImage(path, "qcow2", broken)).toThrow("gone");
  expect(() => statSync(path)).toThrow();
  expect(() => statSync(`${path}.unfinished`)).toThrow();
});

describe.skipIf(!haveQemuImg)("images against qemu-img (needs qemu-utils)", () => {
  for (const format of ["raw", "qcow2", "vmdk", "vmdk-flat"] as const) {
    test(`${format}: check, info, compare and convert agree with our bytes`, () => {
      const disk = someDisk();
      const path = join(folder, `disk-${format}.vmdk`);
      writeImage(path, format, disk);
      writeImage(join(folder, "reference.raw"), "raw", disk);
      const name = qemuName[format];
      if (format === "qcow2" || format === "vmdk") {
        expect(status("check", "-f", name, path)).toBe(0);
      }
      const info = JSON.parse(qemuImg("info", "--output=json", "-f", name, path));
      expect(info["virtual-size"]).toBe(SECTORS * SECTOR_BYTES);
      expect(status("compare", "-f", name, "-F", "raw", path, "reference.raw")).toBe(0);
      qemuImg("convert", "-f", name, "-O", "raw", path, "back.raw");
      expect(readFileSync(join(folder, "back.raw")).equals(bytesOf(disk))).toBe(true);
    });
  }

  test("canary: one stamp too many is seen", () => {
    const disk = someDisk();
    writeImage(join(folder, "good.raw"), "raw", disk);
    disk.writeStamps(400, 1, 1);
    writeImage(join(folder, "bad.qcow2"), "qcow2", disk);
    expect(status("compare", "-F", "raw", "bad.qcow2", "good.raw")).toBe(1);
  });

  test("a large disk with little written is a small file", () => {
    for (const [format, sectors] of [
      ["qcow2", 2 ** 33],
      ["vmdk", 2 ** 30],
    ] as const) {
      const disk = new SectorContent(sectors);
      disk.writeStamps(sectors - 8, 8, 1);
      disk.writeStamps(sectors / 2 + 5, 3000, 100);
      const path = join(folder, `large.${format}`);
      writeImage(path, format, disk);
      expect(statSync(path).blocks * 512).toBeLessThan(8 * 2 ** 20);
      expect(status("check", path)).toBe(0);
    }
    // Where the data is, as QEMU sees it; its walk through a large VMDK takes too long.
    const map = JSON.parse(qemuImg("map", "--output=json", "large.qcow2")) as {
      start: number;
      length: number;
      data: boolean;
    }[];
    const written = map.filter((extent) => extent.data);
    expect(written.every(({ start }) => start >= 2 ** 32 * SECTOR_BYTES)).toBe(true);
    expect(written.reduce((sum, { length }) => sum + length, 0)).toBe(25 * 2 ** 16);
  });

  test("a chain of two reads as the view through both, for qcow2 and vmdk", () => {
    const base = someDisk();
    const view = base.fork();
    const top = new SectorContent(SECTORS);
    const change = (write: (disk: SectorContent) => void): void => [view, top].forEach(write);
    change((disk) => disk.writeStamps(130, 20, 40_000));
    change((disk) => disk.writeZeros(2 ** 16 - 3, 1000)); // zeros that hide what is below
    const redoLog: ImageSource = {
      sectors: SECTORS,
      allocatedRuns: (sector, sectors) => top.allocatedRuns(sector, sectors),
      readInto: (sector, sectors, out) => view.readInto(sector, sectors, out),
    };
    writeQcow2(join(folder, "base.qcow2"), base);
    writeQcow2(join(folder, "top.qcow2"), redoLog, {
      backing: { path: "base.qcow2", format: "qcow2" },
    });
    writeVmdkSparse(join(folder, "base.vmdk"), base, { contentId: 0x1234 });
    const parent = { path: "base.vmdk", contentId: 0x1234 };
    writeVmdkSparse(join(folder, "top.vmdk"), redoLog, { contentId: 0x5678, parent });
    for (const format of ["qcow2", "vmdk"]) {
      expect(status("check", `top.${format}`)).toBe(0);
      qemuImg("convert", "-f", format, "-O", "raw", `top.${format}`, `top-${format}.raw`);
      expect(readFileSync(join(folder, `top-${format}.raw`)).equals(bytesOf(view))).toBe(true);
    }
    const stranger = { path: "base.vmdk", contentId: 0x4321 };
    writeVmdkSparse(join(folder, "lost.vmdk"), redoLog, { parent: stranger });
    expect(status("convert", "-f", "vmdk", "-O", "raw", "lost.vmdk", "lost.raw")).not.toBe(0);
  });

  test("any small disk survives the way through qcow2 and vmdk", () => {
    const writes = fc.array(fc.tuple(fc.nat(999), fc.integer({ min: 1, max: 300 }), fc.nat(5)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(writes, fc.integer({ min: 1300, max: 1400 }), (list, sectors) => {
        const disk = new SectorContent(sectors);
        for (const [sector, length, stamp] of list) disk.writeStamps(sector, length, stamp);
        for (const format of ["qcow2", "vmdk"] as const) {
          writeImage(join(folder, `any.${format}`), format, disk);
          expect(status("check", `any.${format}`)).toBe(0);
          qemuImg("convert", "-f", format, "-O", "raw", `any.${format}`, "any.raw");
          expect(readFileSync(join(folder, "any.raw")).equals(bytesOf(disk))).toBe(true);
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe.skipIf(!haveVmdkInfo)("images against vmdkinfo (needs libvmdk-utils)", () => {
  test("a sparse VMDK is read by a second reader", () => {
    const path = join(folder, "second.vmdk");
    writeImage(path, "vmdk", someDisk());
    const info = execFileSync("vmdkinfo", [path], { encoding: "utf8" });
    expect(info).toContain(String(SECTORS * SECTOR_BYTES));
  });
});
