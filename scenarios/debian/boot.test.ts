// Debian's kernel boots to its shell alone: the same console, counts and state in slices of any size and from snapshots in
// between; its own drivers work with the devices of the board; more harts are found and used.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { expandRuns, SECTOR_BYTES } from "../../core/kernel/index.ts";
import { readRv64Image } from "../rv64-image.ts";
import { have } from "./apt.ts";
import { readDebian } from "./fetched.ts";
import { debianMachine } from "./machine.ts";
import { Terminal } from "./terminal.ts";

const debian = readDebian();
const module = readRv64Image();
const LIMIT = 10_000_000_000;
const NIC = { id: "nic0", mac: "52:54:00:00:00:01" };

function powerOn(config: rv64.BoardConfig): rv64.Board {
  const made = rv64.Board.create(engineFor(config), config, debian!.files);
  if (!made.ok) throw new Error(made.problem.message);
  return made.board;
}

const engineFor = ({ memoryMiB, harts }: rv64.BoardConfig): rv64.Engine =>
  new rv64.CompiledEngine({ module: module!, ramBytes: memoryMiB * 2 ** 20, harts });

/** Moves a machine into another engine: nothing but hart blocks, RAM and the board's state comes along. */
function move(board: rv64.Board, engine: rv64.Engine): rv64.Board {
  engine.writeRam(0, board.engine.ram);
  for (let hart = 0; hart < board.config.harts; hart++)
    engine.writeHart(hart, board.engine.readHart(hart));
  return new rv64.Board(engine, board.config, structuredClone(board.state));
}

interface Session {
  readonly commands: readonly string[];
  readonly slice: number;
  readonly between?: (board: rv64.Board) => rv64.Board;
  readonly disk?: Uint8Array;
}

/** What the outside answers at once: one disk in memory, random bytes that count, a network of nobody. */
function answer(output: rv64.BoardOutput, disk: Uint8Array): rv64.BoardInput | null {
  if (output.kind === "need-random") {
    const bytes = Uint8Array.from({ length: output.bytes }, (_, i) => i);
    return { kind: "random", request: output.request, bytes };
  }
  if (output.kind !== "block") return null;
  const { request, io } = output;
  const done = { kind: "block-done", disk: output.disk, request, ok: true } as const;
  if (io.op === "flush") return done;
  const range = disk.subarray(io.sector * SECTOR_BYTES, (io.sector + io.sectors) * SECTOR_BYTES);
  if (io.op === "write") expandRuns(io.runs, range);
  if (io.op === "discard") range.fill(0);
  if (io.op !== "read") return done;
  return { ...done, runs: [{ kind: "bytes", sectors: io.sectors, bytes: range.slice() }] };
}

function converse(board: rv64.Board, session: Session) {
  const terminal = new Terminal(session.commands);
  let current = board;
  while (current.state.halted === null && current.progress() < LIMIT) {
    for (const output of current.run(current.progress() + session.slice).outputs) {
      const input = terminal.see(output) ?? answer(output, session.disk ?? new Uint8Array(0));
      if (input !== null) current.deliver(input);
    }
    current = session.between?.(current) ?? current;
  }
  return {
    console: terminal.text,
    progress: current.progress(),
    halted: current.state.halted,
    stateHash: current.stateHash(),
  };
}

const OFF = "poweroff -f";

describe.skipIf(debian === null || module === null)(
  "Debian (needs npx tsx scenarios/debian/fetch.ts)",
  () => {
    const config = (): rv64.BoardConfig => debianMachine(debian!);

    test("boots to its shell, computes, sleeps and powers off; the same in small slices", () => {
      const commands = ["uname -sm", "expr 6 \\* 7; sleep 2; cat /proc/uptime", OFF];
      const plain = converse(powerOn(config()), { commands, slice: 10_000_000 });
      expect(plain.halted, plain.console).toEqual({ kind: "power-off", reason: "none" });
      expect(plain.console).toContain("Linux riscv64");
      expect(plain.console).toContain("\r\n42\r\n2.");
      expect(converse(powerOn(config()), { commands, slice: 7_919 })).toEqual(plain);
    });

    test("goes on the same in another engine, from 50 points of a boot", () => {
      const commands = ["uname -sm", OFF];
      const plain = converse(powerOn(config()), { commands, slice: 10_000_000 });
      let free = engineFor(config());
      let slices = 0;
      let moves = 0;
      const between = (board: rv64.Board): rv64.Board => {
        // Scattered: a multiplicative hash of the slice's number.
        const scattered = Math.imul((slices += 1), 0x9e3779b1) >>> 0;
        if (scattered % 7 !== 0 || moves === 50) return board;
        moves += 1;
        const moved = move(board, free);
        free = board.engine;
        return moved;
      };
      const slice = 777_777;
      expect(converse(powerOn(config()), { commands, slice, between })).toEqual(plain);
      expect(moves).toBe(50);
    });

    test("writes and reads a disk, has a nic and a source of entropy", () => {
      const disk = new Uint8Array(16 * 2 ** 20);
      const machine = debianMachine(debian!, {
        disks: [{ id: "data", sectors: disk.length / SECTOR_BYTES }],
        nics: [NIC],
        rng: true,
        modules: ["virtio_blk", "virtio_net", "virtio-rng"],
      });
      const commands = [
        "dd if=/dev/zero of=/tmp/block bs=1024 count=64; echo kept >> /tmp/block",
        "dd if=/tmp/block of=/dev/vda bs=512 seek=100 conv=fsync; dd if=/dev/vda bs=512 skip=228 count=1 | head -c 4",
        "cat /sys/block/vda/serial; cat /sys/class/net/eth0/address",
        "head -c 4 /dev/hwrng | od -t u1 -A n",
        OFF,
      ];
      const { console, halted } = converse(powerOn(machine), { commands, slice: 1e9, disk });
      expect(halted, console).not.toBeNull();
      expect(new TextDecoder().decode(disk.subarray(228 * 512, 228 * 512 + 4))).toBe("kept");
      expect(console).toContain("data");
      expect(console).toContain(NIC.mac);
      expect(console).toMatch(/ {3}0 {3}1 {3}2 {3}3/);
    });

    test.skipIf(!have("mke2fs"))("leaves a clean ext4 behind (needs e2fsprogs)", () => {
      const folder = mkdtempSync(join(tmpdir(), "orrery-ext4-"));
      try {
        const image = join(folder, "disk");
        writeFileSync(image, new Uint8Array(16 * 2 ** 20));
        execFileSync("mke2fs", ["-q", "-t", "ext4", image]);
        const disk = readFileSync(image);
        const machine = debianMachine(debian!, {
          disks: [{ id: "data", sectors: disk.length / SECTOR_BYTES }],
          modules: ["virtio_blk", "ext4"],
        });
        const commands = [
          "mount -t ext4 /dev/vda /mnt && cp /bin/busybox /mnt/copy && echo text > /mnt/file",
          "sync; umount /mnt; mount -t ext4 /dev/vda /mnt && cmp /mnt/copy /bin/busybox && cat /mnt/file; umount /mnt",
          OFF,
        ];
        const { console } = converse(powerOn(machine), { commands, slice: 1e9, disk });
        expect(console).toContain("\r\ntext\r\n");
        writeFileSync(image, disk);
        execFileSync("e2fsck", ["-fn", image]);
        const kept = execFileSync("debugfs", ["-R", "cat file", image], { stdio: "pipe" });
        expect(kept.toString()).toBe("text\n");
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test("two guests exchange packets", () => {
      const guests = ["10.0.0.1", "10.0.0.2"].map((address, i) => {
        const nics = [{ id: "nic0", mac: `52:54:00:00:00:0${i + 1}` }];
        const machine = debianMachine(debian!, { nics, modules: ["virtio_net"] });
        // The second one listens longer than the first one asks.
        const commands = [
          `ifconfig eth0 ${address} up`,
          i === 0 ? "sleep 1; ping -c 2 -W 5 10.0.0.2" : "sleep 4; ifconfig eth0 | grep packets",
          OFF,
        ];
        return { board: powerOn(machine), terminal: new Terminal(commands) };
      });
      const until = (board: rv64.Board, at: number): void => {
        const guest = guests.find((candidate) => candidate.board === board)!;
        const other = guests.find((candidate) => candidate !== guest)!;
        while (board.progress() < at && board.state.halted === null) {
          for (const output of board.run(at).outputs) {
            const typed = guest.terminal.see(output);
            if (typed !== null) board.deliver(typed);
            if (output.kind === "send" && other.board.state.halted === null)
              other.board.deliver({ kind: "packet", nic: "nic0", bytes: output.bytes });
          }
        }
      };
      for (let at = 0; at < LIMIT && guests.some(({ board }) => board.state.halted === null);) {
        at += 1_000_000;
        for (const { board } of guests) until(board, at);
      }
      const [first, second] = guests.map(({ terminal }) => terminal.text);
      expect(first).toContain("2 packets transmitted, 2 packets received, 0% packet loss");
      expect(second).toMatch(/RX packets:[3-9]/);
    });

    test("finds four harts, and the interleaving is the same in any slices", () => {
      const machine = debianMachine(debian!, { harts: 4 });
      const commands = ["grep -c ^processor /proc/cpuinfo", OFF];
      const plain = converse(powerOn(machine), { commands, slice: 10_000_000 });
      expect(plain.console).toContain("\r\n4\r\n");
      expect(converse(powerOn(machine), { commands, slice: 7_919 })).toEqual(plain);
    });
  },
);
