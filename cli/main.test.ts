import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EXIT, worstExit } from "./exit-codes.ts";
import { orrery as command, type Printed } from "./testing/command.ts";
import { verb } from "./verb.ts";
import { runVerb } from "./verbs/run.ts";
import type { RunRequest } from "./verbs/run-request.ts";
import { schema } from "./verbs/schema.ts";

const requests: RunRequest[] = [];
const stop = new AbortController();
const verbs = [
  schema,
  runVerb(
    (context, request) => {
      requests.push(request);
      context.progress.update("half way");
      context.print("ran");
      context.result({ ran: request.scenario.document.name });
      return Promise.resolve(EXIT.violation);
    },
    { type: "object" },
  ),
  verb<readonly [], object>({
    name: "trip",
    describe: "throw",
    arguments: [],
    options: [],
    examples: [{ command: "orrery trip", describe: "Fall over." }],
    output: {},
    run: () => Promise.reject(new Error("over my own feet")),
  }),
];

const orrery = (words: readonly string[], signal?: AbortSignal): Promise<Printed> =>
  command(words, { verbs, ...(signal && { signal }) });

let folder = "";
const inFolder = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "orrery-cli-"));
  const good = { name: "good", durationMs: 1_000, hosts: [{ id: "a", cores: 1, memoryMiB: 1 }] };
  await writeFile(inFolder("good.json"), JSON.stringify(good));
  await writeFile(inFolder("bad.json"), JSON.stringify({ ...good, hosts: [{ id: "a", core: 1 }] }));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  [["rnu"], "orrery: unknown verb 'rnu'; did you mean run? (see orrery --help)\n"],
  [[], "orrery: a verb is missing (see orrery --help)\n"],
  [["run"], "orrery: missing required argument 'scenario' (see orrery --help)\n"],
  [
    ["run", "x.json", "--seeed", "1"],
    "orrery: unknown option '--seeed'; did you mean --seed? (see",
  ],
  [["run", "x.json", "--seed", "-1"], "orrery: option '--seed <n>' argument '-1' is invalid."],
  [["run", "x.json", "--until", "1 s"], "orrery: option '--until <time>' argument '1 s' is invali"],
  [["run", "x.json", "--log", "half"], "orrery: option '--log <kind>' argument 'half' is invalid."],
  [
    ["run", "x.json", "--no-trace", "--out", "f"],
    "orrery: --no-trace and --out do not go together",
  ],
  [["run", "x.json", "--entropy", "os", "--log", "seed"], "orrery: --entropy os needs --log full"],
  [["run", "a.json", "b.json"], "orrery: too many arguments for 'run'."],
  [["schema", "snapshoot"], "orrery: no schema is named snapshoot; did you mean snapshot? (one of"],
])("%j is wrong usage: exit 2 and one line", async (commandLine, line) => {
  const { code, stdout, stderr } = await orrery(commandLine);
  expect([code, stdout, stderr.slice(0, line.length)]).toEqual([EXIT.usage, "", line]);
  expect(stderr.trimEnd()).not.toContain("\n");
  const json = await orrery([...commandLine, "--json"]);
  expect(json.code).toBe(EXIT.usage);
  expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "usage", exitCode: 2 } });
});

test("bad input: one line for each problem, or all of them as JSON", async () => {
  const { code, stdout, stderr } = await orrery(["run", inFolder("bad.json")]);
  expect([code, stdout]).toEqual([EXIT.usage, ""]);
  expect(
    stderr
      .split("\n")
      .slice(0, -1)
      .map((line) => line.replaceAll(folder, "")),
  ).toEqual([
    expect.stringMatching(/^orrery: \/bad.json \/hosts\/0: member memoryMiB is missing/),
    expect.stringMatching(
      /^orrery: \/bad.json \/hosts\/0\/core: unknown member core; did you mean/,
    ),
  ]);
  const json = await orrery(["run", "--json", inFolder("bad.json")]);
  const { problems } = JSON.parse(json.stdout).error;
  expect(problems.map((one: { pointer: string }) => one.pointer)).toEqual([
    "/hosts/0",
    "/hosts/0/core",
  ]);
});

test("a run gets a checked request, its exit code is the process's", async () => {
  const line = ["run", inFolder("good.json"), "--seed", "7", "--until", "0.5s"];
  const set = ["--set", "/hosts/a/cores=4", "--set", "hosts.a.memoryMiB=9"];
  expect(await orrery([...line, ...set])).toEqual({
    code: EXIT.violation,
    stdout: "ran\n",
    stderr: "",
  });
  expect(requests.at(-1)).toMatchObject({
    untilNs: 500_000_000,
    out: "good-7.orrery",
    log: "full",
    entropy: "seed",
    scenario: { document: { seed: 7, hosts: [{ cores: 4, memoryMiB: 9 }] } },
  });
  const json = await orrery(["--json", ...line, "--no-trace"]);
  expect(json).toEqual({ code: EXIT.violation, stdout: '{"ran":"good"}\n', stderr: "" });
  expect(requests.at(-1)?.out).toBeUndefined();
  const late = await orrery(["run", inFolder("good.json"), "--until", "2s"]);
  expect([late.code, late.stderr]).toEqual([
    EXIT.usage,
    expect.stringContaining("durationMs 1000"),
  ]);
});

test("--check prints the document with its defaults and runs nothing", async () => {
  const before = requests.length;
  const { code, stdout } = await orrery(["run", inFolder("good.json"), "--check", "--json"]);
  expect([code, requests.length]).toEqual([EXIT.fine, before]);
  expect(JSON.parse(stdout).document.hosts[0].scheduler).toEqual({ quantumUs: 5_000 });
});

test("help of every verb has an example, and exits 0", async () => {
  for (const { name } of verbs) {
    const { code, stdout } = await orrery([name, "--help"]);
    expect([code, stdout]).toEqual([EXIT.fine, expect.stringContaining("$ orrery " + name)]);
  }
  expect((await orrery(["--help"])).stdout).toContain("run a scenario and record it");
  expect((await orrery(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("schema prints documents, mechanisms with all they refer to, and verbs' output", async () => {
  const document = JSON.parse((await orrery(["schema"])).stdout);
  expect(document.properties.hosts.items.$ref).toBe("#/$defs/Host");
  const guest = JSON.parse((await orrery(["schema", "workload", "--json"])).stdout).guest;
  expect(Object.keys(guest.parameters.$defs)).toContain("ClosedBlock");
  expect(Object.keys(guest.parameters.$defs)).not.toContain("Host");
  const own = JSON.parse((await orrery(["schema", "schema"])).stdout);
  expect(own.verb.output.type).toBe("object");
});

test("what is thrown is our own bug, and says so", async () => {
  const { code, stdout, stderr } = await orrery(["trip", "--json"]);
  expect(code).toBe(EXIT.internal);
  expect(stderr).toMatch(/internal error\. This is a bug in Orrery[^]*over my own feet[^]*report/);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: "internal" } });
});

test("an interrupted verb ends with 130, whatever it returned", async () => {
  stop.abort();
  const { code } = await orrery(["run", inFolder("good.json"), "--no-trace"], stop.signal);
  expect(code).toBe(EXIT.interrupted);
});

test("the graver exit code wins", () => {
  expect(worstExit([])).toBe(EXIT.fine);
  expect(worstExit([EXIT.violation, EXIT.divergence])).toBe(EXIT.divergence);
  expect(worstExit([EXIT.divergence, EXIT.damaged, EXIT.violation])).toBe(EXIT.damaged);
  expect(worstExit([EXIT.damaged, EXIT.environment, EXIT.usage])).toBe(EXIT.usage);
});

test("canary: a verb that prints two results is a bug, not two objects", async () => {
  const twice = verb<readonly [], object>({
    ...verbs[2]!,
    name: "twice",
    run: (context) => {
      context.result({});
      context.result({});
      return Promise.resolve(EXIT.fine);
    },
  });
  const { code, stderr } = await command(["twice", "--json"], { verbs: [twice] });
  expect(code).toBe(EXIT.internal);
  expect(stderr).toContain("printed two results");
});
