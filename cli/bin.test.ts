import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const bin = fileURLToPath(new URL("bin.mjs", import.meta.url));

/** The real command, from a directory that knows nothing of Orrery. */
const orrery = (...args: readonly string[]) =>
  spawnSync(process.execPath, [bin, ...args], { cwd: tmpdir(), encoding: "utf8" });

test("the command works from any directory; a large schema arrives whole through a pipe", () => {
  const { status, stdout, stderr } = orrery("schema", "--json");
  expect([status, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout).title).toBe("ScenarioDocument");
});

test("wrong usage exits with 2", () => {
  const { status, stdout, stderr } = orrery("shema");
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe("orrery: unknown verb 'shema'; did you mean schema? (see orrery --help)\n");
});
