import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as layout from "../../layout.ts";
import { ReferenceEngine } from "../../reference/index.ts";
import { Board } from "../board.ts";
import type { BoardConfig } from "../config.ts";
import { verbatimPages } from "./verbatim-pages.ts";

const PAGE = layout.PAGE_BYTES;
const MIB = 2 ** 20;
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Bytes of which no two pages are equal. */
const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);

function kernel(): Uint8Array {
  const image = noise(5 * PAGE + 100);
  const view = new DataView(image.buffer);
  view.setBigUint64(8, 0x20_0000n, true);
  view.setBigUint64(16, BigInt(8 * PAGE), true);
  view.setBigUint64(24, 0n, true);
  view.setUint32(56, 0x05435352, true);
  return image;
}

const LINUX = kernel();
const INITRD = noise(3 * PAGE - 1);
const ELF = readFileSync(new URL("../../samples/world/worker.elf", import.meta.url));

const linuxBoot: BoardConfig["boot"] = {
  kind: "linux",
  kernel: sha256(LINUX),
  initrd: sha256(INITRD),
  commandLine: "",
  rngSeed: null,
};

test.each<[string, BoardConfig["boot"], number]>([
  ["a kernel and its first files", linuxBoot, 7],
  ["an ELF file", { kind: "elf", file: sha256(ELF), firmware: false }, 0],
])("%s: pages of the files lie in RAM as is said", (_, boot, least) => {
  const files = new Map([LINUX, INITRD, ELF].map((bytes) => [sha256(bytes), bytes]));
  const config: BoardConfig = {
    harts: 1,
    memoryMiB: 8,
    quantum: 1_000,
    instructionsPerSecond: 1_000_000_000,
    disks: [],
    nics: [],
    rng: false,
    virtioConsole: false,
    boot,
  };
  const engine = new ReferenceEngine({ ramBytes: 8 * MIB, harts: 1 });
  expect(Board.create(engine, config, files).ok).toBe(true);
  const pages = [...verbatimPages(config, files)];
  expect(pages.length).toBeGreaterThanOrEqual(least);
  for (const [page, bytes] of pages) {
    const inRam = engine.ram.subarray(page * PAGE, (page + 1) * PAGE);
    expect(Buffer.compare(inRam, bytes)).toBe(0);
    const file = [...files.values()].find(({ buffer }) => buffer === bytes.buffer)!;
    expect((bytes.byteOffset - file.byteOffset) % PAGE).toBe(0);
  }
});
