/**
 * The same writes, before and during a merge, through two implementations: qemu-storage-daemon's
 * block-commit on qcow2, written to over NBD while the job runs, and our consolidation with a mirror.
 * Both must end with the content that the writes alone, in order, would leave.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { diskBench } from "../../core/disks/testing/index.ts";
import { consolidate } from "../../core/disks/index.ts";
import {
  component,
  type PlainObject,
  type Reply,
  SECTOR_BYTES,
  SectorContent,
  startOperation,
} from "../../core/kernel/index.ts";

const have = (tool: string): boolean => spawnSync(tool, ["--version"]).status === 0;
const haveAll = ["qemu-storage-daemon", "qemu-img", "qemu-io"].every(have);

const SECTORS = 4_096;

interface Write {
  readonly sector: number;
  readonly sectors: number;
  readonly pattern: number;
}

/** Writes of one byte each, so that qemu-io can make them. */
function writes(count: number, seed: number): readonly Write[] {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  return Array.from({ length: count }, () => {
    const sectors = 1 + next(60);
    return { sector: next(SECTORS - sectors), sectors, pattern: 1 + next(255) };
  });
}

const BEFORE = writes(60, 1);
const IN_DELTA = writes(60, 2);
const DURING = writes(80, 3);

function modelBytes(): Uint8Array {
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  for (const { sector, sectors, pattern } of [...BEFORE, ...IN_DELTA, ...DURING]) {
    bytes.fill(pattern, sector * SECTOR_BYTES, (sector + sectors) * SECTOR_BYTES);
  }
  return bytes;
}

let folder = "";
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-commit-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function qemuIo(target: string, format: string, all: readonly Write[]): void {
  const commands = all.flatMap(({ sector, sectors, pattern }) => [
    "-c",
    `write -P ${pattern} ${sector * SECTOR_BYTES} ${sectors * SECTOR_BYTES}`,
  ]);
  execFileSync("qemu-io", ["-f", format, ...commands, target], { cwd: folder });
}

/** One line of JSON at a time; events are told to whoever waits for them. */
class Monitor {
  readonly #socket: Socket;
  readonly #lines: { [key: string]: unknown }[] = [];
  #rest = "";

  constructor(socket: Socket) {
    this.#socket = socket;
    // The daemon goes while it is connected; an answer that is missed is noticed by `expect`.
    socket.on("error", () => socket.destroy());
    socket.on("data", (data: Buffer) => {
      const parts = (this.#rest + data.toString()).split("\n");
      this.#rest = parts.pop()!;
      for (const part of parts) {
        if (part.trim() !== "") this.#lines.push(JSON.parse(part) as { [key: string]: unknown });
      }
    });
  }

  async expect(isMeant: (line: { [key: string]: unknown }) => boolean): Promise<void> {
    for (let tries = 0; tries < 1_000; tries++) {
      const index = this.#lines.findIndex(isMeant);
      if (index >= 0) return void this.#lines.splice(index, 1);
      const wrong = this.#lines.find((line) => "error" in line);
      if (wrong !== undefined) throw new Error(JSON.stringify(wrong));
      await pause(10);
    }
    throw new Error("the daemon does not answer");
  }

  async execute(name: string, args: object = {}): Promise<void> {
    this.#socket.write(`${JSON.stringify({ execute: name, arguments: args })}\n`);
    await this.expect((line) => "return" in line);
  }
}

async function startDaemon(): Promise<{ daemon: ChildProcess; monitor: Monitor }> {
  const overlay = "driver=qcow2,node-name=overlay,file.driver=file,file.filename=overlay.qcow2";
  const base = "backing.driver=qcow2,backing.node-name=base,backing.file.driver=file";
  const daemon = spawn(
    "qemu-storage-daemon",
    [
      ["--chardev", "socket,path=qmp.sock,server=on,wait=off,id=monitor"],
      ["--monitor", "chardev=monitor"],
      ["--blockdev", `${overlay},${base},backing.file.filename=base.qcow2`],
      ["--nbd-server", "addr.type=unix,addr.path=nbd.sock"],
      ["--export", "type=nbd,id=disk,node-name=overlay,name=disk,writable=on"],
    ].flat(),
    { cwd: folder, stdio: "ignore" },
  );
  for (let tries = 0; tries < 500 && !existsSync(at("nbd.sock")); tries++) await pause(10);
  const monitor = new Monitor(connect(at("qmp.sock")));
  await monitor.expect((line) => "QMP" in line);
  await monitor.execute("qmp_capabilities");
  return { daemon, monitor };
}

/** What block-commit leaves in the base when the guest writes while it runs. */
async function committed(): Promise<Uint8Array> {
  const size = String(SECTORS * SECTOR_BYTES);
  const qemuImg = (...args: string[]) => execFileSync("qemu-img", args, { cwd: folder });
  qemuImg("create", "-f", "qcow2", "base.qcow2", size);
  qemuIo("base.qcow2", "qcow2", BEFORE);
  qemuImg("create", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", "overlay.qcow2");
  qemuIo("overlay.qcow2", "qcow2", IN_DELTA);
  const { daemon, monitor } = await startDaemon();
  try {
    // Slow enough that the writes meet it on its way.
    const job = { "job-id": "merge", device: "overlay", "base-node": "base", speed: 4_000_000 };
    await monitor.execute("block-commit", job);
    qemuIo("nbd+unix:///disk?socket=nbd.sock", "raw", DURING);
    await monitor.execute("block-job-set-speed", { device: "merge", speed: 0 });
    await monitor.expect((line) => line["event"] === "BLOCK_JOB_READY");
    await monitor.execute("job-complete", { id: "merge" });
    await monitor.expect((line) => line["event"] === "BLOCK_JOB_COMPLETED");
  } finally {
    const gone = new Promise((exited) => daemon.once("exit", exited));
    if (daemon.exitCode === null && daemon.kill()) await gone;
  }
  qemuImg("check", "base.qcow2");
  qemuImg("convert", "-f", "qcow2", "-O", "raw", "base.qcow2", "base.raw");
  return readFile(at("base.raw"));
}

interface Script extends PlainObject {
  readonly instance: number;
}

/** Sends what it is told, one after the other, and nothing while the VM is stunned. */
const writer = component<Script, PlainObject, { readonly sent: number }>({
  kind: "test-writer",
  volatile: () => ({ sent: 0 }),
  handlers: {
    next: (self, { disk }: { readonly disk: number }) => {
      const { stuns } = self.world.entity(self.config.instance).volatile as { stuns: number };
      if (stuns > 0) return void self.after(10_000, "next", { disk });
      const write = DURING[self.edit().sent++];
      if (write === undefined) return;
      const body = { op: "write", ...requestOf(write) };
      self.ask(disk, "io", body, { then: "done", tag: disk });
    },
    done: (self, reply: Reply) => {
      self.after(3_000, "next", { disk: reply.tag });
    },
  },
});

function requestOf({ sector, sectors, pattern }: Write) {
  const bytes = new Uint8Array(sectors * SECTOR_BYTES).fill(pattern);
  return { sector, sectors, runs: [{ kind: "bytes" as const, sectors, bytes }] };
}

function layerOf(all: readonly Write[]): SectorContent {
  const content = new SectorContent(SECTORS);
  for (const write of all) content.write(write.sector, requestOf(write).runs);
  return content;
}

/** What our consolidation leaves in the base. */
function consolidated(): Uint8Array {
  const layers = [
    { content: layerOf(BEFORE), pointInTime: "p1" },
    { content: layerOf(IN_DELTA), pointInTime: null },
  ];
  const bench = diskBench({ layers, sectors: SECTORS, grainSectors: 128 });
  const { world, instance, disk, host } = bench;
  const client = world.spawn(writer, { instance: instance.id }, { creator: host });
  const params = { ...bench.params, pointInTime: "p1", copySectors: 64 };
  startOperation(world, consolidate, host, "merge", params);
  client.after(0, "next", { disk: disk.id });
  let outcome: unknown;
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "operation-end" && data["id"] === "merge") outcome = data["outcome"];
  };
  world.run({ untilNs: 10_000_000_000 });
  world.finish();
  expect(outcome).toBe("complete");
  expect(world.checker.violations).toEqual([]);
  expect(disk.volatile.layers).toHaveLength(1);
  const bytes = new Uint8Array(SECTORS * SECTOR_BYTES);
  world.contents.get("array#volume:db-data")!.readInto(0, SECTORS, bytes);
  return bytes;
}

describe("a merge under writes", () => {
  it("ends in what the writes alone would leave", () => {
    expect(Buffer.compare(consolidated(), modelBytes())).toBe(0);
  });
});

describe.skipIf(!haveAll)("a merge and block-commit (needs qemu-utils)", () => {
  it("end in the same content for the same writes", async () => {
    expect(Buffer.compare(await committed(), consolidated())).toBe(0);
  }, 60_000);
});
