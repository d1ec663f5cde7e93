/** The verbs on a trace with real guests, each through the real command function. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXIT } from "../exit-codes.ts";
import { asJson, orrery } from "../testing/command.ts";

let folder = "";
const trace = (): string => join(folder, "hello.orrery");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-rv64-"));
  const ran = await orrery(["run", "scenarios/rv64-hello.ts", "-o", trace()]);
  expect([ran.code, ran.stderr]).toEqual([EXIT.fine, ""]);
}, 30_000);
afterAll(() => rm(folder, { recursive: true }));

describe("replay", () => {
  test("the whole run is verified", async () => {
    const { code, value } = await asJson(["replay", trace()]);
    expect([code, value["verified"]]).toEqual([EXIT.fine, true]);
  });

  test.each(["asker", "answerer", "worker"])("%s is built again alone", async (vm) => {
    const { code, value } = await asJson(["replay", trace(), "--vm", vm]);
    expect([code, value["verified"], value["divergence"]]).toEqual([EXIT.fine, true, null]);
    expect(value["epochsVerified"]).toBe(value["epochs"]);
    expect(value["steps"]).toBeGreaterThan(10);
  });
});

describe("inspect", () => {
  const shown = async (path: string, at = "10ms"): Promise<unknown> =>
    (await asJson(["inspect", trace(), "--at", at, path])).value["value"];

  test("registers, memory, code and symbols at an exact instant", async () => {
    expect(await shown("/asker/machine/progress")).toBe(1_000_000);
    expect(await shown("/asker/machine/hart-0/registers/zero")).toBe("0x0");
    expect(Object.keys((await shown("/asker/machine/code/main+3")) as object).length).toBe(3);
    expect(await shown("/asker/machine/memory/_start+4")).toEqual({ "0x80000000": "73 25 40 f1" });
    expect(await shown("/asker/run-1/volatile/console")).toContain("asking\n");
  });

  test("a place that is nowhere is wrong usage", async () => {
    const { code } = await orrery([
      "inspect",
      trace(),
      "--at",
      "10ms",
      "/asker/machine/memory/0x10",
    ]);
    expect(code).toBe(EXIT.usage);
  });
});

describe("why", () => {
  test("names the instruction that last wrote an address", async () => {
    const { value } = await asJson([
      "why",
      trace(),
      "/asker/machine/memory/state+8",
      "--at",
      "10ms",
    ]);
    const [change] = value["changes"] as { at: string; text: string; progress: number }[];
    expect(change!.text).toMatch(/^(c\.)?sd /);
    expect(change!.progress).toBeLessThanOrEqual(1_000_000);
  });

  test("of what no instruction wrote there is none; of nothing it is wrong usage", async () => {
    const { value } = await asJson(["why", trace(), "/asker/machine/memory/main"]);
    expect(value["changes"]).toEqual([]);
    const { code } = await orrery(["why", trace(), "/asker/machine/memory/nobody"]);
    expect(code).toBe(EXIT.usage);
  });
});

describe("gdb", () => {
  test.each([
    [[], /--vm names a VM/],
    [["--vm", "nobody"], /one of asker, answerer, worker/],
    [["--vm", "asker", "--port", "70000"], /a port/],
  ])("%j is wrong usage", async (more, message) => {
    const { code, stderr } = await orrery(["gdb", trace(), ...more]);
    expect(code).toBe(EXIT.usage);
    expect(stderr).toMatch(message);
  });
});
