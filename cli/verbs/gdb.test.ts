/** `orrery gdb`, and the real debugger at its other end. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineConfig } from "../../core/vmm/index.ts";
import { openRecordedRun } from "../../scenarios/index.ts";
import { type DebugTarget, finishUnless, openGuest } from "../../traces/index.ts";
import { main } from "../main.ts";
import { orrery } from "../testing/command.ts";
import { smallScenario } from "../testing/small-scenario.ts";

const WORKER = fileURLToPath(
  new URL("../../core/guest/rv64/samples/world/worker.elf", import.meta.url),
);
const folder = mkdtempSync(join(tmpdir(), "orrery-gdb-"));
const at = (name: string): string => join(folder, name);
const TRACE = at("machine.orrery");
const scenario = {
  ...smallScenario,
  durationMs: 18,
  vms: [
    smallScenario.vms[0],
    {
      id: "worker",
      host: "alpha",
      memoryMiB: 1,
      guest: { kind: "rv64", file: WORKER },
      disks: [{ id: "data", on: "array", sizeMiB: 1 }],
    },
  ],
  timeline: [
    { id: "sleep", do: "suspend", vm: "worker", on: "array", atMs: 4, blockKiB: 128 },
    { id: "wake", do: "resume", vm: "worker", on: "array", after: "sleep.complete" },
  ],
};

beforeAll(async () => {
  writeFileSync(at("machine.json"), JSON.stringify(scenario));
  expect((await orrery(["run", at("machine.json"), "-o", TRACE])).code).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts the verb; the port that it says, and its exit code once it has ended. */
async function serve(
  words: readonly string[],
  signal = new AbortController().signal,
): Promise<{ readonly port: number; readonly code: Promise<number> }> {
  let code: Promise<number> | undefined;
  const port = await new Promise<number>((resolve, reject) => {
    const stdout = (text: string): void => {
      const [, found] = /waiting on 127\.0\.0\.1:(\d+)/.exec(text) ?? [];
      if (found !== undefined) resolve(Number(found));
    };
    const terminal = { stderrIsTerminal: false, columns: 80, stdout, stderr: () => {} };
    code = main(["gdb", ...words], { terminal, signal });
    code.then((ended) => reject(new Error(`it ended with ${ended}`)), reject);
  });
  return { port, code: code! };
}

/** What gdb prints to a script. */
function debug(port: number, script: readonly string[]): Promise<string> {
  const lines = ["set confirm off", "set pagination off", `target remote :${port}`, ...script];
  writeFileSync(at("script.gdb"), lines.join("\n"));
  const child = spawn("gdb-multiarch", ["-q", "-nx", "-batch", "-x", at("script.gdb"), WORKER]);
  // Apart, because what the target says is not in step with the rest.
  const printed = ["", ""];
  child.stdout.on("data", (text: Buffer) => (printed[0] += text.toString()));
  child.stderr.on("data", (text: Buffer) => (printed[1] += text.toString()));
  return new Promise((resolve) => child.on("close", () => resolve(printed.join("\n"))));
}

/** The same guest, executed anew for this test. */
async function openAgain(): Promise<DebugTarget> {
  const opened = await openRecordedRun(TRACE);
  if (!opened.ok) throw new Error(opened.message);
  const { run, builder } = opened;
  const config = builder.guestSpec("worker").config as unknown as MachineConfig;
  const guest = openGuest({ run, builder, vm: "worker", config, machines: builder.machines });
  if (!guest.ok) throw new Error(guest.message);
  return guest.target;
}

const always = new AbortController().signal;
const NAMES = ["ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1", "a0", "a1", "a2", "a3", "a4"];

function registersOf(target: DebugTarget): bigint[] {
  const integers = NAMES.map((_, i) => target.register(0, { kind: "integer", number: i + 1 })!);
  return [...integers, target.register(0, { kind: "pc" })!];
}

const MARKS = ["first", "end", "last", "stepped", "watched", "begin"];
const WHEN = /^event (\d+)\nretired (\d+)\ntime ([\d.]+) s\nplace (\d+) of/gm;

/** Registers, place and time as gdb printed them at a mark. */
function shown(printed: string, mark: string) {
  const [, part = ""] = printed.split(`mark ${mark}\n`);
  const values = [...part.matchAll(/^register 0x([0-9a-f]+)$/gm)].map((match) =>
    BigInt(`0x${match[1]}`),
  );
  const when = [...printed.matchAll(WHEN)][MARKS.indexOf(mark)]!.slice(1).map(Number);
  const [event, retired, seconds, place] = when as [number, number, number, number];
  return { registers: values.slice(0, NAMES.length + 1), place, retired, seconds, event };
}

const show = (mark: string): string[] => [
  `printf "mark ${mark}\\n"`,
  ...[...NAMES, "pc"].map((name) => `printf "register 0x%lx\\n", (unsigned long)$${name}`),
  "monitor when",
];

const hasGdb = spawnSync("gdb-multiarch", ["--version"]).status === 0;

describe.skipIf(!hasGdb)("a recorded guest under gdb (needs gdb-multiarch)", () => {
  it("reverse-continues to a function, steps back, watches: with the registers it had", async () => {
    const { port, code } = await serve([TRACE, "--vm", "worker", "--port", "0"]);
    const printed = await debug(port, [
      "break request",
      "continue",
      ...show("first"),
      "delete",
      "continue",
      ...show("end"),
      "break request",
      "reverse-continue",
      ...show("last"),
      "reverse-continue",
      "stepi",
      "reverse-stepi",
      "reverse-stepi",
      ...show("stepped"),
      "delete",
      "continue",
      "watch *(long*)&ticks",
      "reverse-continue",
      "x/i $pc",
      ...show("watched"),
      'printf "ticks %ld\\n", *(long*)&ticks',
      "stepi",
      'printf "ticks %ld\\n", *(long*)&ticks',
      "delete",
      "reverse-continue",
      ...show("begin"),
      "detach",
    ]);
    expect(await code, printed).toBe(0);
    const target = await openAgain();
    const runs: number[] = [];
    for (const mark of MARKS) {
      const { registers, place, ...when } = shown(printed, mark);
      expect(registers.length, printed).toBe(NAMES.length + 1);
      await finishUnless(
        always,
        target.seek(place, () => true),
      );
      expect([mark, registers]).toEqual([mark, registersOf(target)]);
      const { retired, world, run } = target.where();
      runs.push(run);
      const { timeNs, event } = world!;
      expect(when).toEqual({ retired: Number(retired), seconds: timeNs / 1e9, event });
      if (mark !== "first") continue;
      // Canary: one instruction further they are others.
      await finishUnless(
        always,
        target.seek(place + 1, () => true),
      );
      expect(registers).not.toEqual(registersOf(target));
    }
    // It is suspended in between, and goes on from that.
    expect(runs).toEqual([0, 1, 1, 1, 1, 0]);
    expect(shown(printed, "first").place).toBeLessThan(shown(printed, "last").place);
    expect(shown(printed, "begin").place).toBe(0);
    expect(printed.match(/No more reverse-execution history/g)?.length).toBe(3);
    expect(printed).toMatch(/x?=> 0x[0-9a-f]+ <trap\+\d+>:\tsd/);
    const [before, after] = [...printed.matchAll(/^ticks (\d+)$/gm)].map((match) =>
      Number(match[1]),
    );
    expect(after).toBe(before! + 1);
  });

  it("cannot be changed", async () => {
    const { port, code } = await serve([TRACE, "--vm", "worker", "--port", "0"]);
    const printed = await debug(port, ["set var $a0 = 7"]);
    expect(printed).toContain("this is a recording");
    expect(await code).toBe(0);
  });
});

describe("orrery gdb", () => {
  it("names what it cannot debug", async () => {
    expect(await orrery(["gdb", TRACE])).toMatchObject({ code: 2 });
    const unknown = await orrery(["gdb", TRACE, "--vm", "wroker"]);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      "orrery: no VM is named wroker (one of worker)\n",
    ]);
    const modelled = await orrery(["gdb", TRACE, "--vm", "db"]);
    expect([modelled.code, modelled.stderr]).toEqual([
      2,
      "orrery: the guest of db is no real machine (one of worker)\n",
    ]);
    expect((await orrery(["gdb", TRACE, "--vm", "worker", "--port", "70000"])).code).toBe(2);
  });

  it("says when its port is taken, and stops on Ctrl-C", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port: taken } = other.address() as { port: number };
    const refused = await orrery(["gdb", TRACE, "--vm", "worker", "--port", String(taken)]);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain(`port ${taken} cannot be used: EADDRINUSE`);
    other.close();
    const controller = new AbortController();
    const words = [TRACE, "--vm", "worker", "--port", "0"];
    const { code } = await serve(words, controller.signal);
    controller.abort();
    expect(await code).toBe(130);
  });
});
