/**
 * A guest alone, with every function of the platform throwing and the world's draws deleted from the
 * file: there is no host, link, array or disk that it could reach for.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { chunkKinds, rewriteTrace } from "../../traces/index.ts";
import { EXIT } from "../exit-codes.ts";
import type * as Command from "../testing/command.ts";
import { smallScenario } from "../testing/small-scenario.ts";

const PLATFORM = "../../core/platform/index.ts";
const touched: string[] = [];
let command: typeof Command;

beforeAll(async () => {
  vi.resetModules();
  vi.doMock(PLATFORM, async (original) => {
    const real = await original<object>();
    return Object.fromEntries(Object.entries(real).map(([key, value]) => [key, stub(key, value)]));
  });
  command = await import("../testing/command.ts");
});
afterAll(() => {
  vi.doUnmock(PLATFORM);
  vi.resetModules();
});

function stub(name: string, value: unknown): unknown {
  if (typeof value === "function") return refuse(name);
  if (typeof value !== "object" || value === null || !("handlers" in value)) return value;
  const handlers = Object.keys(value.handlers as object);
  return {
    ...value,
    handlers: Object.fromEntries(handlers.map((each) => [each, refuse(`${name}.${each}`)])),
  };
}

const refuse = (name: string) => (): never => {
  touched.push(name);
  throw new Error(`${name} is of the platform`);
};

const folder = mkdtempSync(join(tmpdir(), "orrery-lone-"));
const trace = join(folder, "small.orrery");

beforeAll(() => {
  const scenario = join(folder, "small.json");
  writeFileSync(scenario, JSON.stringify(smallScenario));
  const words = ["--import", "tsx", "cli/bin.mjs", "run", scenario, "-o", trace, "--json"];
  execFileSync(process.execPath, words, { stdio: "ignore" });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

test("is the guest of the run", async () => {
  const alone = rewriteTrace(
    readFileSync(trace),
    ({ kind, meta }) => kind !== chunkKinds.draws || meta["owner"] === "db",
  );
  writeFileSync(trace, alone);
  const { code, value } = await command.asJson(["replay", trace, "--vm", "db"]);
  expect(value).toMatchObject({ verified: true, status: "whole", divergence: null });
  expect([code, touched]).toEqual([EXIT.fine, []]);
});

test("a whole world cannot do without (canary)", async () => {
  const { code } = await command.orrery(["replay", trace]);
  expect(code).not.toBe(EXIT.fine);
  expect(touched.length).toBeGreaterThan(0);
});
