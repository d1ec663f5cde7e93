// What a machine boots comes from outside: everything wrong with it is said as data, and what is right lies where the guest
// looks for it. dtc reads our device trees.

import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as layout from "../../layout.ts";
import { ReferenceEngine } from "../../reference/index.ts";
import { Board } from "../board.ts";
import type { BoardConfig } from "../config.ts";
import { describeMachine } from "./describe.ts";
import { flattenTree, type TreeNode } from "./flattened-tree.ts";

const KERNEL_BYTES = 8192;

/** An Image with the header of a kernel that asks for `offset` and takes `memoryBytes`. */
function kernelImage(offset = 0x20_0000n, memoryBytes = 0x4000n): Uint8Array {
  const image = new Uint8Array(KERNEL_BYTES);
  const view = new DataView(image.buffer);
  view.setBigUint64(8, offset, true);
  view.setBigUint64(16, memoryBytes, true);
  view.setUint32(56, 0x05435352, true);
  return image;
}

const CONFIG: BoardConfig = {
  harts: 2,
  memoryMiB: 4,
  quantum: 1000,
  instructionsPerSecond: 1_000_000_000,
  disks: [{ id: "a", sectors: 8 }],
  nics: [],
  rng: false,
  virtioConsole: false,
  boot: { kind: "linux", kernel: "k", initrd: "i", commandLine: "quiet", rngSeed: "00ff" },
};

const FILES = new Map([
  ["k", kernelImage()],
  ["i", Uint8Array.of(1, 2, 3)],
]);

const linux = (changes: Partial<Extract<BoardConfig["boot"], { kind: "linux" }>>): BoardConfig => ({
  ...CONFIG,
  boot: { ...(CONFIG.boot as Extract<BoardConfig["boot"], { kind: "linux" }>), ...changes },
});

function create(config: BoardConfig, files: ReadonlyMap<string, Uint8Array> = FILES) {
  const usable = config.memoryMiB >= 1 && config.memoryMiB <= 64 ? config.memoryMiB : 1;
  const harts = config.harts >= 1 && config.harts <= 8 ? config.harts : 1;
  const engine = new ReferenceEngine({ ramBytes: usable * 2 ** 20, harts });
  return Board.create(engine, config, files);
}

const codeOf = (made: ReturnType<typeof create>): string => (made.ok ? "fine" : made.problem.code);

describe("a machine that cannot be", () => {
  test.each<[string, Partial<BoardConfig>]>([
    ["no hart", { harts: 0 }],
    ["nine harts", { harts: 9 }],
    ["no memory", { memoryMiB: 0 }],
    ["2,049 MiB", { memoryMiB: 2049 }],
    ["half a MiB", { memoryMiB: 1.5 }],
    ["a quantum of one", { quantum: 1 }],
    ["no speed", { instructionsPerSecond: 0 }],
    ["a speed no clock can follow", { instructionsPerSecond: 999_999_937 }],
    ["a disk of nothing", { disks: [{ id: "a", sectors: 0 }] }],
    ["two disks of one name", { disks: [CONFIG.disks[0]!, CONFIG.disks[0]!] }],
    ["nine devices", { disks: Array.from({ length: 9 }, (_, i) => ({ id: `${i}`, sectors: 1 })) }],
    ["a MAC of words", { nics: [{ id: "n", mac: "hello" }] }],
  ])("%s is a bad configuration", (_, changes) => {
    expect(codeOf(create({ ...CONFIG, ...changes }))).toBe("bad-config");
  });

  test.each<[string, BoardConfig, ReadonlyMap<string, Uint8Array>]>([
    ["kernel-missing", CONFIG, new Map()],
    ["initrd-missing", CONFIG, new Map([["k", kernelImage()]])],
    ["bad-kernel", CONFIG, new Map([...FILES, ["k", new Uint8Array(10)]])],
    ["bad-kernel", CONFIG, new Map([...FILES, ["k", new Uint8Array(100)]])],
    ["bad-kernel", CONFIG, new Map([...FILES, ["k", kernelImage(1n << 60n)]])],
    ["bad-kernel", CONFIG, new Map([...FILES, ["k", kernelImage(7n)]])],
    ["kernel-too-large", CONFIG, new Map([...FILES, ["k", kernelImage(0n, 4n << 20n)]])],
    ["initrd-too-large", CONFIG, new Map([...FILES, ["i", new Uint8Array(2 << 20)]])],
    ["device-tree-overflow", linux({ commandLine: "x".repeat(70_000) }), FILES],
    ["bad-config", linux({ rngSeed: "zz" }), FILES],
    ["bad-elf", { ...CONFIG, boot: { kind: "elf", file: "k", firmware: false } }, FILES],
    ["bad-elf", { ...CONFIG, boot: { kind: "elf", file: "none", firmware: false } }, FILES],
  ])("%s", (code, config, files) => {
    expect(codeOf(create(config, files))).toBe(code);
  });
});

test("kernel, initrd and tree lie where the guest is told", () => {
  const made = create(CONFIG);
  if (!made.ok) throw new Error(made.problem.message);
  const { engine, state } = made.board;
  const register = (number: number): number => Number(engine.word(0, layout.HART_X + number * 8));
  expect(Number(engine.word(0, layout.HART_PC))).toBe(layout.RAM_BASE + 0x20_0000);
  expect(register(10)).toBe(0);
  const tree = register(11) - layout.RAM_BASE;
  expect([...engine.ram.subarray(tree, tree + 4)]).toEqual([0xd0, 0x0d, 0xfe, 0xed]);
  const initrd = Math.floor((tree - 3) / 4096) * 4096;
  expect([...engine.ram.subarray(initrd, initrd + 3)]).toEqual([1, 2, 3]);
  expect(state.harts).toEqual(["started", "stopped"]);
});

const haveDtc = spawnSync("dtc", ["--version"]).error === undefined;

function decompile(tree: TreeNode): string {
  const blob = flattenTree(tree, 2 ** 20);
  const ran = spawnSync("dtc", ["-q", "-s", "-I", "dtb", "-O", "dts"], { input: blob! });
  expect(ran.status, ran.stderr.toString()).toBe(0);
  return ran.stdout.toString();
}

describe.skipIf(!haveDtc)("device trees as dtc sees them (needs device-tree-compiler)", () => {
  test("the machine's", () => {
    const chosen = { commandLine: "a=b", initrd: { start: 4096, end: 8192 }, seed: null };
    const text = decompile(describeMachine(CONFIG, 1, chosen));
    expect(text).toContain('bootargs = "a=b";');
    expect(text).toContain("linux,initrd-end = <0x00 0x2000>;");
    expect(text).toContain("cpu@1 {");
    expect(text).toContain("virtio_mmio@10001000 {");
    expect(text).toContain("reg = <0x00 0x80000000 0x00 0x400000>;");
  });

  test("any tree keeps its names and cells", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9,-]{0,12}$/);
    const cells = fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.dictionary(name, cells, { maxKeys: 8 }), (properties) => {
        const text = decompile({ name: "", properties, children: [{ name: "n", properties: {} }] });
        for (const [key, value] of Object.entries(properties)) {
          const line = text
            .split("\n")
            .find((candidate) => candidate.trim().startsWith(`${key} =`));
          const read = [...(line ?? "").matchAll(/0x([0-9a-f]+)/g)].map(([, hex]) =>
            Number.parseInt(hex!, 16),
          );
          if (!line?.includes('"') && !line?.includes("[")) expect(read).toEqual(value);
        }
      }),
      { numRuns: 20, seed: 1 },
    );
  });
});
