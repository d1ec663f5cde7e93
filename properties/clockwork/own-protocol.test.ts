/** The documented protocol of one's own, from a folder outside the repository, in every verb. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "orrery-own-"));
const file = join(folder, "own-protocol.mts");
copyFileSync(join(root, "docs", "own-protocol.ts"), file);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function orrery(...args: readonly string[]): { code: number; result: Record<string, unknown> } {
  const argv = [join(root, "cli", "bin.mjs"), ...args, "--json"];
  try {
    const text = execFileSync(process.execPath, argv, { cwd: folder, encoding: "utf8" });
    return { code: 0, result: JSON.parse(text) as Record<string, unknown> };
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    return { code: status, result: JSON.parse(stdout) as Record<string, unknown> };
  }
}

describe("a protocol of one's own", () => {
  it("runs, loses its primary, and keeps its promise", () => {
    const { code, result } = orrery("run", file, "--out", "good.orrery");
    expect(code).toBe(0);
    expect(result["violations"]).toEqual([]);
    expect(result["unreached"]).not.toContain("a client fails over to the backup");
  }, 120_000);

  it("is caught when it acknowledges early, replays verified, and is reported", () => {
    const early = ["--set", "/timeline/burst/acknowledge=early"];
    const { code, result } = orrery("run", file, ...early, "--out", "early.orrery");
    expect(code).toBe(1);
    const violations = result["violations"] as { invariant: string; reproduce: string }[];
    expect(violations[0]).toMatchObject({
      invariant: "an acknowledged value survives the primary",
      mechanism: "replication",
    });
    expect(violations[0]!.reproduce).toContain("acknowledge=early");
    const replayed = orrery("replay", "early.orrery");
    expect(replayed.code).toBe(0);
    expect(replayed.result).toMatchObject({ verified: true, root: result["root"] });
    expect(orrery("report", "early.orrery").code).toBe(0);
    expect(existsSync(join(folder, "early.html"))).toBe(true);
  }, 120_000);

  it("is caught by a fault of its own; a fault that it does not have is bad input", () => {
    const { code, result } = orrery("run", file, "--no-trace", "--set", "/faults/1/by=3");
    expect(code).toBe(1);
    expect(result["violations"]).toMatchObject([
      { invariant: "an acknowledged value survives the primary" },
    ]);
    const unknown = orrery("run", file, "--no-trace", "--set", "/faults/1/kind=staler");
    expect([unknown.code, JSON.stringify(unknown.result)]).toEqual([
      2,
      expect.stringContaining("stale"),
    ]);
  }, 120_000);
});
