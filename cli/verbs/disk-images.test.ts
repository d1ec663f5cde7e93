/**
 * Disks that leave a run as images and come into one as images. The judge of what leaves is qemu-img
 * and a model that knows the captured requests and nothing of chains; of what comes in, qemu-img's
 * own images.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { diskNumber, SECTOR_BYTES, SectorContent, stampBase } from "../../core/kernel/index.ts";
import { writeImage } from "../../traces/images/index.ts";
import { EXIT } from "../exit-codes.ts";
import { asJson, orrery } from "../testing/command.ts";

const haveQemu = spawnSync("qemu-img", ["--version"]).status === 0;
const haveVmdkInfo = spawnSync("vmdkinfo", ["-V"]).status === 0;

let folder = "";
const at = (name: string): string => join(folder, name);
const qemu = (...args: string[]): string =>
  execFileSync("qemu-img", args, { encoding: "utf8", cwd: folder });
const status = (...args: string[]): number | null =>
  spawnSync("qemu-img", args, { cwd: folder }).status;

const DISK_MIB = 16;
const SECTORS = DISK_MIB * 2_048;

interface Captured {
  readonly type: "write" | "read" | "discard";
  readonly sector: number;
  readonly sectors: number;
}

/** One request every two milliseconds, so that each is answered before the next. */
const REQUESTS: readonly Captured[] = Array.from({ length: 300 }, (_, index) => {
  const type = index % 29 === 7 ? "discard" : index % 5 === 0 ? "read" : "write";
  return { type, sector: (index * 977) % 30_000, sectors: 1 + ((index * 7) % 150) };
});

/** What the disk holds after 0, 1, 2, ... requests, by the order of the capture alone. */
function* models(before?: SectorContent): Generator<SectorContent> {
  const disk = before?.fork() ?? new SectorContent(SECTORS);
  let counter = 1;
  yield disk;
  for (const { type, sector, sectors } of REQUESTS) {
    if (type === "write") {
      disk.writeStamps(sector, sectors, stampBase(diskNumber(0), counter, sectors));
      counter += sectors;
    } else if (type === "discard") disk.writeZeros(sector, sectors);
    yield disk;
  }
}

function modelAtEnd(before: SectorContent): SectorContent {
  let last = before;
  for (const disk of models(before)) last = disk;
  return last;
}

const bytesOf = (content: SectorContent): Buffer => {
  const bytes = Buffer.alloc(content.sectors * SECTOR_BYTES);
  content.readInto(0, content.sectors, bytes);
  return bytes;
};

function scenario(changes: object = {}, disk: object = {}): object {
  return {
    name: "images",
    seed: 5,
    durationMs: 700,
    hosts: [{ id: "alpha", cores: 2, memoryMiB: 4_096, disks: [{ id: "ssd", sizeMiB: 64 }] }],
    arrays: [{ id: "array", capacityMiB: 1_024 }],
    links: [{ between: ["alpha", "array"] }],
    vms: [
      {
        id: "db",
        host: "alpha",
        memoryMiB: 256,
        guest: { kind: "capture", bootMs: 0, file: "requests.csv", flushEvery: 8 },
        disks: [{ id: "data", on: "array", sizeMiB: DISK_MIB, ...disk }],
      },
    ],
    timeline: [
      { id: "first", do: "snapshot", vm: "db", atMs: 150 },
      { id: "second", do: "snapshot", vm: "db", atMs: 350 },
    ],
    ...changes,
  };
}

const put = (name: string, document: object): void =>
  writeFileSync(at(name), JSON.stringify(document));

async function run(document: object, out: string): Promise<void> {
  put(`${out}.json`, document);
  const ran = await orrery(["run", at(`${out}.json`), "-o", at(`${out}.orrery`)]);
  expect([ran.code, ran.stderr]).toEqual([EXIT.fine, ""]);
}

async function exported(trace: string, out: string, ...more: string[]): Promise<void> {
  const words = ["export", at(`${trace}.orrery`), at(out), "--disk", "db:data", ...more];
  words.push("--inputs", folder); // those of more than a megabyte are not in the trace
  const done = await orrery(words);
  expect(done.code, done.stderr).toBe(EXIT.fine);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-disks-"));
  const lines = REQUESTS.map(
    ({ type, sector, sectors }, index) =>
      `${index},${sectors * SECTOR_BYTES},1,${type},${sector},${index * 2_000}`,
  );
  const header = "serial,length,segments,type,lbn,timestampUs";
  writeFileSync(at("requests.csv"), `${[header, ...lines].join("\n")}\n`);
  await run(scenario(), "plain");
});
afterAll(() => rm(folder, { recursive: true }));

/** The most captured requests, in order, that make exactly this content; -1: no number of them. */
function prefixOf(bytes: Buffer): number {
  const content = new SectorContent(SECTORS);
  content.writeBytes(0, bytes);
  let found = -1;
  let count = 0;
  for (const disk of models()) {
    if (disk.equals(content)) found = count;
    count++;
  }
  return found;
}

describe.skipIf(!haveQemu)("exported disks (needs qemu-utils)", () => {
  const moments = ["100ms", "150ms", "151ms", "153ms", "400ms", "700ms"];

  test("every form holds the captured requests up to that moment, and no other", async () => {
    let last = 0;
    for (const [index, moment] of moments.entries()) {
      const name = (form: string): string => `m${index}-${form}`;
      await exported("plain", name("one.raw"), "--at", moment);
      const bytes = readFileSync(at(name("one.raw")));
      const count = prefixOf(bytes);
      expect(count, `at ${moment}`).toBeGreaterThanOrEqual(last);
      last = count;
      for (const [form, extension] of [
        ["one", "qcow2"],
        ["one", "vmdk"],
        ["flat", "vmdk"],
        ["chain", "qcow2"],
        ["chain", "vmdk"],
        ["snapshots", "qcow2"],
      ] as const) {
        const file = name(`${form}.${extension}`);
        await exported("plain", file, "--as", form, "--at", moment);
        if (form !== "flat") expect(status("check", "-f", extension, file), file).toBe(0);
        const compared = ["-f", extension, "-F", "raw", file, name("one.raw")];
        expect(status("compare", ...compared), file).toBe(0);
      }
    }
    expect(last).toBe(REQUESTS.length);
  }, 60_000);

  test("points in time inside are earlier prefixes, as many as were taken", async () => {
    await exported("plain", "points.qcow2", "--as", "snapshots");
    const info = JSON.parse(qemu("info", "--output=json", "points.qcow2")) as {
      snapshots: { name: string }[];
    };
    expect(info.snapshots.map(({ name }) => name)).toEqual(["first", "second"]);
    const counts = info.snapshots.map(({ name }) => {
      qemu("convert", "-l", `snapshot.name=${name}`, "-O", "raw", "points.qcow2", "point.raw");
      return prefixOf(readFileSync(at("point.raw")));
    });
    expect(counts[0]).toBeGreaterThan(50);
    expect(counts[1]).toBeGreaterThan(counts[0]! + 50);
  });

  test("a chain's data lies where each layer was written, as the map tells", async () => {
    await exported("plain", "mapped.qcow2", "--as", "chain");
    const extents = JSON.parse(qemu("map", "--output=json", "mapped.qcow2")) as {
      start: number;
      length: number;
      depth: number;
      present: boolean;
    }[];
    expect(new Set(extents.filter(({ present }) => present).map(({ depth }) => depth))).toEqual(
      new Set([0, 1, 2]),
    );
    for (const layer of [1, 0]) {
      const below = `mapped-layer${layer}.qcow2`;
      expect(status("check", below)).toBe(0);
      qemu("convert", "-O", "raw", below, "below.raw");
      expect(prefixOf(readFileSync(at("below.raw")))).toBeGreaterThan(0);
    }
  });

  test("a parent that was changed afterwards is told, by QEMU and by us", async () => {
    await exported("plain", "stale.vmdk", "--as", "chain");
    const parent = readFileSync(at("stale-layer1.vmdk"));
    const text = parent.toString("latin1");
    const place = text.indexOf("CID=") + 4;
    parent.write("deadbeef", place, "latin1");
    writeFileSync(at("stale-layer1.vmdk"), parent);
    expect(status("convert", "-f", "vmdk", "-O", "raw", "stale.vmdk", "stale.raw")).not.toBe(0);
    const { code, stderr } = await failed({}, { image: "stale.vmdk" });
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringMatching(/which is now deadbeef/)]);
  });
});

describe.skipIf(!haveVmdkInfo)("exported chains (needs libvmdk-utils)", () => {
  test("are read by a second reader", async () => {
    await exported("plain", "second.vmdk", "--as", "chain");
    for (const file of ["second-layer0.vmdk", "second.vmdk"]) {
      const info = execFileSync("vmdkinfo", [at(file)], { encoding: "utf8" });
      expect(info).toContain(String(SECTORS * SECTOR_BYTES));
    }
  });
});

describe("disks that begin with an image", () => {
  const base = new SectorContent(SECTORS);
  base.writeBytes(5, new Uint8Array(3 * SECTOR_BYTES).fill(7));
  base.writeBytes(31_000, new Uint8Array(200 * SECTOR_BYTES).fill(9));
  base.writeStamps(10_000, 500, stampBase(diskNumber(7), 1, 500));

  test("hold it under what the guest writes, are replayed, and leave as they came", async () => {
    writeImage(at("start.qcow2"), "qcow2", base);
    for (const [name, disk] of [
      ["redo", {}],
      ["flat", { kind: "flat" }],
      ["local", { kind: "flat", on: "alpha/ssd" }],
    ] as const) {
      const timeline = name === "redo" ? {} : { timeline: [] };
      await run(scenario(timeline, { image: "start.qcow2", ...disk }), name);
      const replay = await asJson(["replay", at(`${name}.orrery`)]);
      expect([replay.code, replay.value["verified"]]).toEqual([EXIT.fine, true]);
      const alone = await asJson(["replay", at(`${name}.orrery`), "--vm", "db"]);
      expect([alone.code, alone.value["verified"]]).toEqual([EXIT.fine, true]);
      await exported(name, `${name}.raw`);
      const expected = bytesOf(modelAtEnd(base));
      expect(readFileSync(at(`${name}.raw`)).equals(expected), name).toBe(true);
    }
  }, 30_000);

  test("take chains and snapshots over as redo logs and points in time", async () => {
    await exported("plain", "again.qcow2", "--as", "snapshots");
    await exported("plain", "again.vmdk", "--as", "chain");
    await exported("plain", "again.raw");
    for (const name of ["again.qcow2", "again.vmdk"]) {
      const still = { durationMs: 100, timeline: [] };
      const document = scenario(still, { image: name }) as { vms: { poweredOn?: boolean }[] };
      document.vms[0]!.poweredOn = false;
      await run(document, "came");
      await exported("came", "came.raw");
      expect(readFileSync(at("came.raw")).equals(readFileSync(at("again.raw"))), name).toBe(true);
      await exported("came", "came.qcow2", "--as", "chain");
      expect(existsSync(at("came-layer1.qcow2")), name).toBe(true);
    }
  });

  test.skipIf(!haveQemu)("read what qemu-img made, chain and compression included", async () => {
    writeImage(at("raw.raw"), "raw", base);
    qemu("convert", "-c", "-f", "raw", "-O", "qcow2", "raw.raw", "packed.qcow2");
    qemu("create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "packed.qcow2", "top.qcow2");
    const write = ["-f", "qcow2", "-c", "write -P 3 1M 300k", "top.qcow2"];
    execFileSync("qemu-io", write, { cwd: folder });
    qemu("convert", "-f", "qcow2", "-O", "raw", "top.qcow2", "seen.raw");
    const before = new SectorContent(SECTORS);
    before.writeBytes(0, readFileSync(at("seen.raw")));
    await run(scenario({}, { image: "top.qcow2" }), "made");
    await exported("made", "made.raw");
    const expected = bytesOf(modelAtEnd(before));
    expect(readFileSync(at("made.raw")).equals(expected)).toBe(true);
  });
});

/** A run that must not come about: what it says, and that it leaves nothing. */
async function failed(changes: object, disk: object): Promise<{ code: number; stderr: string }> {
  put("bad.json", scenario(changes, disk));
  const { code, stderr } = await orrery(["run", at("bad.json"), "-o", at("bad.orrery")]);
  expect(existsSync(at("bad.orrery"))).toBe(false);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return { code, stderr };
}

describe("images that are no good", () => {
  const write = (name: string, bytes: Uint8Array | string): void => writeFileSync(at(name), bytes);
  const descriptor = (more: string): string =>
    `# Disk DescriptorFile\nversion=1\nCID=00000001\n${more}\n`;

  test("one line each, exit 2, nothing written", async () => {
    const disk = new SectorContent(SECTORS);
    disk.writeStamps(0, 4_000, 1);
    writeImage(at("good.qcow2"), "qcow2", disk);
    const good = readFileSync(at("good.qcow2"));
    write("short.qcow2", good.subarray(0, 300_000));
    const locked = Buffer.from(good);
    locked.writeUInt32BE(2, 32);
    write("locked.qcow2", locked);
    write("foreign.vdi", Buffer.concat([Buffer.alloc(64), Buffer.from("7f10dabe", "hex")]));
    const child = 'parentCID=00000001\nparentFileNameHint="PARENT"\nRW 8 FLAT "f" 0';
    write("a.vmdk", descriptor(child.replace("PARENT", "b.vmdk")));
    write("b.vmdk", descriptor(child.replace("PARENT", "a.vmdk")));
    write("orphan.vmdk", descriptor(child.replace("PARENT", "gone.vmdk")));
    write("past.vmdk", descriptor('RW 9000 FLAT "f" 0'));
    write("f", new Uint8Array(8 * SECTOR_BYTES));
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ image: "none.qcow2" }, /\/vms\/0\/disks\/0\/image: there is no file none.qcow2/],
      [{ image: "short.qcow2" }, /short.qcow2 is damaged: .*past the end of the file/],
      [{ image: "locked.qcow2" }, /locked.qcow2 is encrypted .* with a key that is not ours/],
      [{ image: "foreign.vdi" }, /foreign.vdi is of an unsupported kind: VDI/],
      [{ image: "a.vmdk" }, /is its own ancestor: a.vmdk on b.vmdk on a.vmdk/],
      [{ image: "orphan.vmdk" }, /orphan.vmdk needs gone.vmdk: no such file/],
      [{ image: "past.vmdk" }, /f is damaged: an extent lies past the end/],
      [{ image: "good.qcow2", sizeMiB: 15 }, /larger than the 15 MiB of data/],
      [{ sizeMiB: 2_048 }, /sizeMiB: is 2048, larger than the array array/],
    ];
    for (const [changes, message] of cases) {
      const { code, stderr } = await failed({}, changes);
      expect([code, stderr]).toEqual([EXIT.usage, expect.stringMatching(message)]);
    }
    const full = new SectorContent(SECTORS);
    full.writeStamps(0, SECTORS, 1);
    writeImage(at("full.qcow2"), "qcow2", full);
    const two = (scenario({}, { image: "full.qcow2" }) as { vms: { disks: object[] }[] }).vms;
    two[0]!.disks.push({ id: "copy", on: "array", sizeMiB: DISK_MIB, image: "full.qcow2" });
    const tight = { arrays: [{ id: "array", capacityMiB: 24 }], vms: two };
    const { code, stderr } = await failed(tight, {});
    expect([code, stderr]).toEqual([EXIT.usage, expect.stringMatching(/takes 16 MiB/)]);
  });

  test("wrong forms are wrong usage", async () => {
    const words = (out: string, form: string): string[] => {
      return ["export", at("plain.orrery"), at(out), "--disk", "db:data", "--as", form];
    };
    for (const [out, form, message] of [
      ["x.raw", "chain", /a disk as chain is written as .vmdk, .qcow2/],
      ["x.vmdk", "snapshots", /a disk as snapshots is written as .qcow2/],
      ["x.vmdk", "folded", /--as folded: one of one, flat, chain, snapshots/],
    ] as const) {
      const { code, stderr } = await orrery(words(out, form));
      expect([code, stderr]).toEqual([EXIT.usage, expect.stringMatching(message)]);
      expect(existsSync(at(out))).toBe(false);
    }
  });
});
