/** Images read back: our own, those that qemu-img makes, and those that are no good. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { SECTOR_BYTES, SectorContent } from "../../../core/kernel/index.ts";
import { type DiskImage, imageContent, readImage } from "./read-image.ts";
import { writeQcow2Snapshots } from "../qcow2-snapshots.ts";
import { writeChain } from "../write-chain.ts";
import { writeImage } from "../write-image.ts";

const haveQemu = spawnSync("qemu-img", ["--version"]).status === 0;
const folder = mkdtempSync(join(tmpdir(), "orrery-read-"));
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
const qemu = (...args: string[]): string =>
  execFileSync("qemu-img", args, { encoding: "utf8", cwd: folder });
const open = (file: string): Uint8Array | undefined => {
  const path = file.startsWith("/") ? file : at(file);
  return statSync(path, { throwIfNoEntry: false }) ? readFileSync(path) : undefined;
};

function read(file: string): DiskImage {
  const result = readImage(file, open);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.image;
}

const problem = (file: string, bytes?: (file: string) => Uint8Array | undefined) => {
  const result = readImage(file, bytes ?? open);
  return result.ok ? "none" : `${result.code}: ${result.message}`;
};

/** Ends in the middle of a cluster, a grain and a page. */
const SECTORS = 2 ** 15 + 57;

function someDisk(): SectorContent {
  const disk = new SectorContent(SECTORS);
  disk.writeStamps(0, 1, 1);
  disk.writeStamps(127, 2, 900);
  disk.writeBytes(
    300,
    Uint8Array.from({ length: 3 * SECTOR_BYTES }, (_, index) => index % 251),
  );
  disk.writeStamps(20_000, 3_000, 7_000);
  disk.writeStamps(SECTORS - 4, 4, 50);
  return disk;
}

function changed(disk: SectorContent, seed: number): SectorContent {
  const next = disk.fork();
  next.writeStamps(100 * seed, 60, 10_000 * seed);
  next.writeZeros(20_100 + 500 * seed, 300);
  next.discard(126, 1);
  return next;
}

const layerOf = (before: SectorContent, after: SectorContent): SectorContent => {
  const layer = new SectorContent(after.sectors);
  for (const { sector, sectors } of before.diffRanges(after)) {
    layer.write(sector, after.read(sector, sectors));
  }
  return layer;
};

const sameContent = (a: SectorContent, b: SectorContent): boolean => a.equals(b);

describe("images of ours, read back", () => {
  const disk = someDisk();
  for (const format of ["raw", "qcow2", "vmdk", "vmdk-flat"] as const) {
    it(format, () => {
      const name = `own-${format}${format === "raw" ? ".raw" : ".vmdk"}`;
      writeImage(at(name), format, disk);
      expect(sameContent(imageContent(read(name)), disk)).toBe(true);
    });
  }

  for (const format of ["qcow2", "vmdk"] as const) {
    it(`a chain of ${format} keeps its layers`, () => {
      const states = [disk, changed(disk, 1), changed(changed(disk, 1), 2)];
      const layers = states.map((state, index) =>
        index === 0 ? state : layerOf(states[index - 1]!, state),
      );
      const sources = layers.map((content, index) => ({ content, contentId: 7 + index }));
      writeChain(at(`chain.${format}`), format, sources);
      const image = read(`chain.${format}`);
      expect(image.files).toHaveLength(3);
      states.forEach((state, index) => {
        const upTo = { ...image, layers: image.layers.slice(0, index + 1) };
        expect(sameContent(imageContent(upTo), state), `state ${index}`).toBe(true);
      });
    });
  }

  it("internal snapshots become points in time", () => {
    const states = [disk, changed(disk, 1), changed(changed(disk, 1), 2)];
    const points = [0, 1].map((index) => ({ name: `p${index}`, content: states[index]! }));
    writeQcow2Snapshots(at("points.qcow2"), points, states[2]!);
    const image = read("points.qcow2");
    expect(image.layers.map(({ pointInTime }) => pointInTime)).toEqual(["p0", "p1", null]);
    states.forEach((state, index) => {
      const upTo = { ...image, layers: image.layers.slice(0, index + 1) };
      expect(sameContent(imageContent(upTo), state), `state ${index}`).toBe(true);
    });
  });
});

describe.skipIf(!haveQemu)("images of qemu-img (needs qemu-utils)", () => {
  const disk = someDisk();
  const variants: readonly (readonly [string, readonly string[]])[] = [
    ["qcow2", []],
    ["qcow2", ["-c"]],
    ["qcow2", ["-o", "compat=0.10"]],
    ["qcow2", ["-o", "cluster_size=512"]],
    ["qcow2", ["-o", "cluster_size=2M,refcount_bits=1"]],
    ["qcow2", ["-o", "preallocation=full,refcount_bits=64"]],
    ["qcow2", ["-S", "0", "-o", "preallocation=metadata"]],
    ["vmdk", ["-o", "subformat=monolithicSparse"]],
    ["vmdk", ["-o", "subformat=monolithicSparse,zeroed_grain=on"]],
    ["vmdk", ["-o", "subformat=monolithicFlat"]],
    ["vmdk", ["-o", "subformat=twoGbMaxExtentSparse"]],
    ["vmdk", ["-o", "subformat=twoGbMaxExtentFlat"]],
    ["vmdk", ["-o", "subformat=streamOptimized"]],
  ];
  for (const [index, [format, options]] of variants.entries()) {
    it(`${format} ${options.join(" ")}`, () => {
      writeImage(at("source.raw"), "raw", disk);
      const name = `made-${index}.${format}`;
      qemu("convert", "-f", "raw", "-O", format, ...options, "source.raw", name);
      expect(sameContent(imageContent(read(name)), disk)).toBe(true);
    });
  }

  it("overlays and internal snapshots, written through qemu-io", () => {
    writeImage(at("under.raw"), "raw", disk);
    qemu("create", "-q", "-f", "qcow2", "-F", "raw", "-b", "under.raw", "over.qcow2");
    const io = (command: string): void =>
      void execFileSync("qemu-io", ["-f", "qcow2", "-c", command, "over.qcow2"], { cwd: folder });
    io("write -P 7 64k 100k");
    qemu("snapshot", "-c", "first", "over.qcow2");
    io("write -z 0 128k");
    qemu("snapshot", "-c", "second", "over.qcow2");
    io("discard 9M 2M");
    io("write -P 9 10M 4k");
    const image = read("over.qcow2");
    expect(image.layers.map(({ pointInTime }) => pointInTime)).toEqual([
      null,
      "first",
      "second",
      null,
    ]);
    ["first", "second", undefined].forEach((name, index) => {
      const from = name === undefined ? [] : ["-l", `snapshot.name=${name}`];
      qemu("convert", "-f", "qcow2", ...from, "-O", "raw", "over.qcow2", "seen.raw");
      const upTo = { ...image, layers: image.layers.slice(0, index + 2) };
      const seen = imageContent(read("seen.raw"));
      expect(sameContent(imageContent(upTo), seen), name ?? "now").toBe(true);
    });
  });

  it("overlays that are larger or smaller than what is below", () => {
    writeImage(at("fits.raw"), "raw", disk);
    for (const size of ["10M", "40M"]) {
      qemu("create", "-q", "-f", "qcow2", "-F", "raw", "-b", "fits.raw", "other.qcow2", size);
      qemu("convert", "-f", "qcow2", "-O", "raw", "other.qcow2", "other.raw");
      expect(sameContent(imageContent(read("other.qcow2")), imageContent(read("other.raw")))).toBe(
        true,
      );
    }
  });

  it("points in time of ours, as QEMU reads them", () => {
    const states = [disk, changed(disk, 1), changed(changed(disk, 1), 2)];
    const points = [0, 1].map((index) => ({ name: `p${index}`, content: states[index]! }));
    writeQcow2Snapshots(at("ours.qcow2"), points, states[2]!);
    expect(spawnSync("qemu-img", ["check", "ours.qcow2"], { cwd: folder }).status).toBe(0);
    for (const [name, state] of [
      ["p0", states[0]!],
      ["p1", states[1]!],
      ["", states[2]!],
    ] as const) {
      const from = name === "" ? [] : ["-l", `snapshot.name=${name}`];
      qemu("convert", "-f", "qcow2", ...from, "-O", "raw", "ours.qcow2", "seen.raw");
      expect(sameContent(imageContent(read("seen.raw")), state), name).toBe(true);
    }
    // Still sound after QEMU itself has gone back and taken one away.
    qemu("snapshot", "-a", "p0", "ours.qcow2");
    qemu("snapshot", "-d", "p1", "ours.qcow2");
    expect(spawnSync("qemu-img", ["check", "ours.qcow2"], { cwd: folder }).status).toBe(0);
    expect(sameContent(imageContent(read("ours.qcow2")), states[0]!)).toBe(true);
  });

  it("images of other kinds are told", () => {
    for (const kind of ["vdi", "vhdx", "vpc", "qed"]) {
      qemu("create", "-q", "-f", kind, `other.${kind}`, "1M");
      expect(problem(`other.${kind}`)).toMatch(/^unsupported: /);
    }
  });
});

const descriptor = (changes: string): Uint8Array =>
  new TextEncoder().encode(`# Disk DescriptorFile\nversion=1\nCID=00000001\n${changes}\n`);

describe("images that are no good", () => {
  const disk = someDisk();
  writeImage(at("good.qcow2"), "qcow2", disk);
  writeImage(at("good.vmdk"), "vmdk", disk);
  const good = { qcow2: readFileSync(at("good.qcow2")), vmdk: readFileSync(at("good.vmdk")) };
  const files = (given: { [file: string]: Uint8Array }) => (file: string) => given[file];

  it("says what is wrong, for each kind of damage", () => {
    const patched = (bytes: Uint8Array, offset: number, value: number): Uint8Array => {
      const copy = Uint8Array.from(bytes);
      copy[offset] = value;
      return copy;
    };
    const { qcow2, vmdk } = good;
    const cases: readonly (readonly [string, { [file: string]: Uint8Array }, RegExp])[] = [
      ["a.qcow2", {}, /^missing-file: there is no file a.qcow2/],
      ["a.qcow2", { "a.qcow2": new Uint8Array(0) }, /^unsupported: a.qcow2/],
      ["a.qcow2", { "a.qcow2": qcow2.subarray(0, 50) }, /^damaged: .* past the end/],
      ["a.qcow2", { "a.qcow2": qcow2.subarray(0, 200_000) }, /^damaged: /],
      ["a.qcow2", { "a.qcow2": patched(qcow2, 7, 9) }, /^unsupported: .* version 9/],
      ["a.qcow2", { "a.qcow2": patched(qcow2, 23, 40) }, /^damaged: .* clusters of 2\^40/],
      ["a.qcow2", { "a.qcow2": patched(qcow2, 79, 4) }, /^unsupported: .* external data file/],
      ["a.qcow2", { "a.qcow2": patched(qcow2, 79, 2) }, /^damaged: .* marked corrupt/],
      ["a.vmdk", { "a.vmdk": vmdk.subarray(0, 300_000) }, /^damaged: /],
      ["a.vmdk", { "a.vmdk": patched(vmdk, 20, 3) }, /^damaged: .* grains of 3 sectors/],
      ["a.vmdk", { "a.vmdk": descriptor('RW 10 SESPARSE "x"') }, /^unsupported: .* SESPARSE/],
      ["a.vmdk", { "a.vmdk": descriptor('RW 10 FLAT "x" 0') }, /^missing-file: a.vmdk needs x/],
      [
        "a.vmdk",
        { "a.vmdk": descriptor('RW 10 FLAT "x" 3'), x: new Uint8Array(10 * 512) },
        /^damaged: x .* extent lies past the end/,
      ],
      ["a.vmdk", { "a.vmdk": descriptor('encryption.keySafe = "x"') }, /^encrypted: /],
      ["a.qcow2", { "a.qcow2": patched(qcow2, 35, 2) }, /^encrypted: a.qcow2 .* not ours/],
      ["a.img", { "a.img": Buffer.from("LUKS\xba\xbe", "latin1") }, /^encrypted: a.img/],
      ["a.raw", { "a.raw": new Uint8Array(700) }, /^damaged: .* whole sectors/],
      ["a.iso.gz", { "a.iso.gz": Uint8Array.of(0x1f, 0x8b, 8) }, /^unsupported: .* gzip/],
    ];
    for (const [file, given, message] of cases) {
      expect(problem(file, files(given)), String(message)).toMatch(message);
    }
  });

  it("circles, and parents that have changed", () => {
    const flat = new Uint8Array(10 * 512);
    const child = (parent: string, id: string): Uint8Array =>
      descriptor(`parentCID=${id}\nparentFileNameHint="${parent}"\nRW 10 FLAT "f" 0`);
    const circle = files({ a: child("b", "00000001"), b: child("a", "00000001"), f: flat });
    expect(problem("a", circle)).toBe("cyclic-chain: b is its own ancestor: a on b on a");
    const base = descriptor('RW 10 FLAT "f" 0');
    const stale = files({ a: child("b", "00000009"), b: base, f: flat });
    expect(problem("a", stale)).toMatch(
      /^content-id-mismatch: a .* 00000009, which is now 00000001/,
    );
    const whole = files({ a: child("b", "00000001"), b: base, f: flat });
    expect(problem("a", whole)).toBe("none");
  });

  it("whatever byte is changed, the answer is an image or a problem", () => {
    for (const format of ["qcow2", "vmdk"] as const) {
      const bytes = good[format];
      // Where headers and tables are; data may be anything anyway.
      const places = fc.array(fc.tuple(fc.nat(300_000), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(
        fc.property(places, fc.integer({ min: 600, max: bytes.length }), (changes, length) => {
          const copy = Uint8Array.from(bytes.subarray(0, length));
          for (const [place, value] of changes) copy[place % copy.length] = value;
          const result = readImage("x.raw", (file) => (file === "x.raw" ? copy : undefined));
          if (!result.ok) expect(result.message.length).toBeGreaterThan(10);
        }),
        { numRuns: 60 },
      );
    }
  });

  it("canary: a cluster that the refcounts call free is not believed", () => {
    const copy = Uint8Array.from(good.qcow2);
    const view = new DataView(copy.buffer);
    const table = Number(view.getBigUint64(48));
    const block = Number(view.getBigUint64(table));
    copy.fill(0, block + 2 * 3, block + 2 * 4);
    expect(problem("a.qcow2", files({ "a.qcow2": copy }))).toMatch(/^damaged: .* counted as free/);
  });
});
