import { expect, test } from "vitest";
import type { Extension } from "../schema/extension.ts";
import { formatProblem } from "./problem.ts";
import { validateDocument } from "./validate.ts";

const parts = () => ({
  name: "small",
  durationMs: 10_000,
  hosts: [
    { id: "alpha", cores: 8, memoryMiB: 65_536, disks: [{ id: "local" }] },
    { id: "beta", cores: 8, memoryMiB: 1_024, clock: { driftPpm: 40 } },
  ],
  arrays: [{ id: "array", readLatencyUs: { median: 180, p99: 2_000 } }],
  links: [
    { between: ["alpha", "array"], latencyUs: 25 },
    { id: "cross", between: ["alpha", "beta"] },
  ],
  vms: [
    {
      id: "db",
      host: "alpha",
      memoryMiB: 4_096,
      guest: { kind: "capture", file: "inserts.csv" },
      disks: [
        { id: "data", on: "array", sizeMiB: 100 },
        { id: "scratch", on: "alpha/local", sizeMiB: 100, kind: "flat" },
      ],
    },
  ],
  timeline: [
    { id: "snap", atMs: 5_000, do: "snapshot", vm: "db", disks: ["data"] },
    { id: "stop", after: "snap.complete", do: "stun", vm: "db" },
  ],
  faults: [{ kind: "power-loss", domain: "alpha", during: "snap.copy", probability: 0.5 }],
  expect: [{ operation: "snap", withinMs: 50 }, { vm: "db" }],
});

type Parts = ReturnType<typeof parts>;
/** What a case does to the document; the types of a valid one would be in its way. */
type Change = (document: Parts & Record<string, unknown>) => unknown;

const add = (list: unknown[], entry: object) => list.push(entry);
const merge = (target: object, members: object) => Object.assign(target, members);

const workload = (phase: object) => ({
  kind: "workload",
  phases: [{ name: "work", durationMs: 100, ...phase }],
});

const messagesOf = (change: Change, extensions: readonly Extension[] = []): readonly string[] => {
  const document = parts();
  change(document);
  const result = validateDocument(document, { file: "s.ts", extensions });
  return result.ok ? [] : result.problems.map(formatProblem);
};

test("the document that all cases start from is accepted and filled in", () => {
  const result = validateDocument(parts(), { file: "s.ts" });
  expect(result).toMatchObject({
    ok: true,
    document: {
      seed: 1,
      links: [{ id: "alpha--array", bandwidthMbps: 10_000 }, { id: "cross" }],
      vms: [{ shares: 1_000, guest: { pacing: "closed", disk: "data" } }],
      faults: [{ probability: 0.5 }],
      expect: [{ outcome: "complete" }, { state: "running" }],
    },
  });
});

/** What is wrong; what is done to the document; the one line that answers it begins so. */
const shapes: readonly (readonly [string, Change, string])[] = [
  [
    "wrong unit",
    (d) => merge(d.links[0]!, { latencyMs: 3 }),
    "s.ts /links/0/latencyMs: unknown member latencyMs; did you mean latencyUs (microseconds)?",
  ],
  [
    "no unit",
    (d) => merge(d.links[0]!, { bandwidth: 3 }),
    "s.ts /links/0/bandwidth: unknown member bandwidth; did you mean bandwidthMbps (10^6 bits",
  ],
  [
    "unit in another case, required member missing because of it",
    (d) => (merge(d, { duration_ms: 5 }), merge(d, { durationMs: undefined })),
    "s.ts /duration_ms: unknown member duration_ms; did you mean durationMs (milliseconds)?",
  ],
  [
    "unknown member",
    (d) => merge(d.hosts[0]!, { colour: "red" }),
    "s.ts /hosts/0/colour: unknown member colour (expected one of id, rack, cores, memoryMiB",
  ],
  [
    "misspelt member",
    (d) => merge(d, { timline: [] }),
    "s.ts /timline: unknown member timline; did you mean timeline?",
  ],
  [
    "missing member",
    (d) => merge(d.hosts[0]!, { cores: undefined }),
    "s.ts /hosts/0: member cores is missing (expected a whole number, at least 1, at most 4096)",
  ],
  [
    "negative time",
    (d) => merge(d.timeline[0]!, { atMs: -5 }),
    "s.ts /timeline/0/atMs: is -5 (expected a number, at least 0",
  ],
  [
    "wrong type",
    (d) => merge(d, { hosts: {} }),
    "s.ts /hosts: is {} (expected a list of at least 1)",
  ],
  ["fraction", (d) => merge(d, { seed: 1.5 }), "s.ts /seed: is 1.5 (expected a whole number"],
  [
    "bad id",
    (d) => merge(d.hosts[1]!, { id: "a/b" }),
    's.ts /hosts/1/id: is "a/b" (expected a name',
  ],
  [
    "quantile missing",
    (d) => merge(d.arrays[0]!, { writeLatencyUs: { median: 5 } }),
    "s.ts /arrays/0/writeLatencyUs: member p99 is missing",
  ],
  [
    "neither number nor quantiles",
    (d) => merge(d.arrays[0]!, { writeLatencyUs: "5" }),
    's.ts /arrays/0/writeLatencyUs: is "5" (expected a number, at least 0, at most 3600000000, or an',
  ],
  [
    "misspelt word",
    (d) => merge(d.vms[0]!.disks[0]!, { cacheMode: "writebak" }),
    's.ts /vms/0/disks/0/cacheMode: is "writebak"; did you mean writeback? (expected one of none,',
  ],
  [
    "unknown operation",
    (d) => merge(d.timeline[0]!, { do: "snapshoot" }),
    's.ts /timeline/0/do: unknown value "snapshoot"; did you mean snapshot? (expected one of snap',
  ],
  [
    "no operation",
    (d) => merge(d.timeline[0]!, { do: undefined }),
    "s.ts /timeline/0: member do is missing (expected one of snapshot",
  ],
  [
    "member of another operation",
    (d) => merge(d.timeline[1]!, { host: "beta" }),
    "s.ts /timeline/1/host: unknown member host (expected one of do, id, atMs, after, delayMs, vm)",
  ],
  [
    "unknown guest",
    (d) => merge(d.vms[0]!, { guest: { kind: "windows" } }),
    's.ts /vms/0/guest/kind: unknown value "windows" (expected one of workload, capture, rv64)',
  ],
  [
    "unit inside a nested choice",
    (d) =>
      merge(d.vms[0]!, {
        guest: workload({ block: [{ pacing: "closed", disk: "data", thinkTimeMs: 1 }] }),
      }),
    "s.ts /vms/0/guest/phases/0/block/0/thinkTimeMs: unknown member thinkTimeMs; did you mean think",
  ],
  [
    "expectation of nothing",
    (d) => add(d.expect, { outcome: "complete" }),
    "s.ts /expect/2: cannot tell what this is (expected one member of operation, vm, invariant,",
  ],
  [
    "member of an expectation",
    (d) => merge(d.expect[0]!, { within: 3 }),
    "s.ts /expect/0/within: unknown member within; did you mean withinMs (milliseconds)?",
  ],
  [
    "prototype key",
    (d) => Object.defineProperty(d.hosts[0], "__proto__", { value: 1, enumerable: true }),
    's.ts /hosts/0/__proto__: member "__proto__" is not allowed (expected no prototype keys)',
  ],
  [
    "not a number",
    (d) => merge(d, { durationMs: NaN }),
    "s.ts /durationMs: is NaN (expected a finite",
  ],
  [
    "a function",
    (d) => merge(d, { name: () => 1 }),
    "s.ts /name: is a function (expected plain JSON",
  ],
  [
    "a date",
    (d) => merge(d, { name: new Date() }),
    "s.ts /name: is a Date (expected plain JSON data)",
  ],
];

const meanings: readonly (readonly [string, Change, string])[] = [
  [
    "dangling host",
    (d) => merge(d.vms[0]!, { host: "alpa" }),
    's.ts /vms/0/host: nothing is named "alpa"; did you mean alpha? (expected a host: alpha, beta)',
  ],
  [
    "dangling end of a link",
    (d) => merge(d.links[1]!, { between: ["alpha", "gamma"] }),
    's.ts /links/1/between/1: nothing is named "gamma" (expected a host or an array: alpha,',
  ],
  [
    "link to itself",
    (d) => merge(d.links[1]!, { between: ["alpha", "alpha"] }),
    "s.ts /links/1/between: both ends are the same",
  ],
  [
    "dangling place of a disk",
    (d) => merge(d.vms[0]!.disks[0]!, { on: "alpha/locale" }),
    's.ts /vms/0/disks/0/on: nothing is named "alpha/locale"; did you mean alpha/local?',
  ],
  [
    "dangling vm of an operation",
    (d) => merge(d.timeline[1]!, { vm: "web" }),
    's.ts /timeline/1/vm: nothing is named "web" (expected a vm: db)',
  ],
  [
    "dangling disk of an operation",
    (d) => merge(d.timeline[0]!, { disks: ["dat"] }),
    's.ts /timeline/0/disks/0: nothing is named "dat"; did you mean data? (expected a disk of the',
  ],
  [
    "dangling operation in after",
    (d) => merge(d.timeline[1]!, { after: "snp.complete" }),
    's.ts /timeline/1/after: nothing is named "snp"; did you mean snap? (expected a timeline entry',
  ],
  [
    "dangling operation in during",
    (d) => merge(d.faults[0]!, { during: "merge.copy" }),
    's.ts /faults/0/during: nothing is named "merge"',
  ],
  [
    "dangling domain",
    (d) => merge(d.faults[0]!, { domain: "rack-1" }),
    's.ts /faults/0/domain: nothing is named "rack-1" (expected a host, an array or a rack: alpha,',
  ],
  [
    "dangling operation in expect",
    (d) => merge(d.expect[0]!, { operation: "merge" }),
    's.ts /expect/0/operation: nothing is named "merge" (expected a timeline entry: snap, stop)',
  ],
  [
    "dangling disk of a workload",
    (d) => merge(d.vms[0]!, { guest: workload({ block: [{ pacing: "closed", disk: "log" }] }) }),
    's.ts /vms/0/guest/phases/0/block/0/disk: nothing is named "log" (expected a disk of the vm',
  ],
  [
    "dangling sensor",
    (d) => add(d.faults, { kind: "degrade", host: "alpha", sensor: "t", reading: 9, atMs: 1 }),
    's.ts /faults/1/sensor: alpha has no sensor "t"',
  ],
  [
    "duplicate id of two kinds",
    (d) => merge(d.timeline[1]!, { id: "alpha" }),
    's.ts /timeline/1/id: "alpha" is already the name of /hosts/0/id',
  ],
  [
    "duplicate disk",
    (d) => merge(d.vms[0]!.disks[1]!, { id: "data", kind: "redo", on: "array" }),
    's.ts /vms/0/disks/1/id: "data" is already the name of /vms/0/disks/0/id',
  ],
  [
    "two links without id between the same",
    (d) => merge(d.links[1]!, { id: undefined, between: ["alpha", "array"] }),
    's.ts /links/1/between: "alpha--array" is already the name of /links/0/between',
  ],
  [
    "rack with the name of a host",
    (d) => merge(d.hosts[0]!, { rack: "beta" }),
    's.ts /hosts/0/rack: rack "beta" is already the name of /hosts/1/id',
  ],
  [
    "reserved id",
    (d) => merge(d.links[1]!, { id: "manager" }),
    's.ts /links/1/id: the name "manager" is reserved',
  ],
  [
    "no moment",
    (d) => merge(d.timeline[0]!, { atMs: undefined }),
    "s.ts /timeline/0: says not when (expected exactly one of atMs, after)",
  ],
  [
    "two moments",
    (d) => merge(d.faults[0]!, { atMs: 5 }),
    "s.ts /faults/0: has atMs and during (expected exactly one of atMs, atStep, during, meanIntervalMs)",
  ],
  [
    "moment after the end",
    (d) => merge(d.timeline[0]!, { atMs: 10_001 }),
    "s.ts /timeline/0/atMs: 10001 is after the end (expected at most durationMs, 10000)",
  ],
  [
    "circle",
    (d) => merge(d.timeline[0]!, { atMs: undefined, after: "stop.complete" }),
    "s.ts /timeline/0/after: runs in a circle: snap after stop after snap",
  ],
  [
    "circle of one",
    (d) => merge(d.timeline[1]!, { after: "stop.complete" }),
    "s.ts /timeline/1/after: runs in a circle: stop after stop",
  ],
  [
    "quantiles the wrong way round",
    (d) => merge(d.arrays[0]!, { readLatencyUs: { median: 180, p99: 18 } }),
    "s.ts /arrays/0/readLatencyUs/p99: is 18 (expected at least the median, 180)",
  ],
  [
    "more memory than the host",
    (d) => merge(d.vms[0]!, { memoryMiB: 65_537 }),
    "s.ts /vms/0/host: alpha has less memory than the vm's memoryMiB 65537",
  ],
  [
    "restart where the local disk is not",
    (d) => (
      merge(d.hosts[1]!, { memoryMiB: 65_536 }),
      d.vms[0]!.disks.shift(),
      merge(d.vms[0]!, { restartOn: ["beta"] }),
      d.timeline.shift(),
      merge(d.timeline[0]!, { after: undefined, atMs: 1 }),
      (d.faults = []),
      d.expect.shift()
    ),
    "s.ts /vms/0/disks/0/on: the vm may run on beta, which cannot reach alpha/local",
  ],
  [
    "a disk of a host that is another one already",
    (d) => d.vms[0]!.disks.push({ ...d.vms[0]!.disks[1]!, id: "again" }),
    "s.ts /vms/0/disks/2/on: alpha/local is db:scratch already",
  ],
  [
    "disks of a vm on two arrays",
    (d) => (
      add(d.arrays!, { id: "vault" }),
      add(d.links!, { between: ["alpha", "vault"] }),
      d.vms[0]!.disks.push({ id: "far", on: "vault", sizeMiB: 1 })
    ),
    "s.ts /vms/0/disks/2/on: is another array than that of disk data " +
      '(expected "array", as one array has all disks of a vm)',
  ],
  [
    "snapshot of a flat disk",
    (d) => merge(d.timeline[0]!, { disks: ["scratch"] }),
    "s.ts /timeline/0/disks/0: scratch is flat and cannot be snapshotted",
  ],
  [
    "path that is not there",
    (d) => add(d.faults, { kind: "path-loss", host: "alpha", array: "array", path: 2, atMs: 1 }),
    "s.ts /faults/1/path: is 2 (expected at most 0)",
  ],
  [
    "bound that is none",
    (d) => add(d.expect, { metric: "iops" }),
    "s.ts /expect/2: has no bound (expected atLeast, atMost or both)",
  ],
];

test.each([...shapes, ...meanings])("%s: one clear line", (_, change, line) => {
  const messages = messagesOf(change);
  expect(messages).toHaveLength(1);
  expect(messages[0]!.slice(0, line.length)).toBe(line);
});

const replicate: Extension = {
  family: "operation",
  name: "replicate",
  description: "Copies a disk to another host.",
  parameters: {
    type: "object",
    properties: {
      vm: { type: "string" },
      to: { type: "string", description: "The other host." },
      copies: { type: "integer", minimum: 1, default: 2 },
    },
    required: ["vm", "to"],
  },
  references: { vm: "vm", to: "host" },
  phases: ["copy", "switch"],
};

test("an own operation is checked and filled in like a built-in one", () => {
  const use =
    (members: object): Change =>
    (d) => {
      add(d.timeline, { id: "copy", do: "replicate", atMs: 1, vm: "db", to: "beta", ...members });
      add(d.timeline, { id: "next", do: "stun", after: "copy.switch", vm: "db" });
    };
  const document = parts();
  use({})(document);
  const result = validateDocument(document, { file: "s.ts", extensions: [replicate] });
  expect(result.ok && result.document.timeline[2]).toMatchObject({ copies: 2, delayMs: 0 });
  expect(messagesOf(use({}))).toEqual([expect.stringContaining('unknown value "replicate"')]);
  expect(messagesOf(use({ to: "gamma" }), [replicate])).toEqual([
    's.ts /timeline/2/to: nothing is named "gamma" (expected a host: alpha, beta)',
  ]);
  expect(messagesOf(use({ copies: 0 }), [replicate])).toEqual([
    expect.stringContaining("s.ts /timeline/2/copies: is 0"),
  ]);
  const wrongPhase: Change = (d) => (use({})(d), merge(d.timeline[3]!, { after: "copy.swich" }));
  expect(messagesOf(wrongPhase, [replicate])).toEqual([
    's.ts /timeline/3/after: copy (replicate) has no phase "swich"; did you mean switch? ' +
      "(expected one of copy, switch, complete, ended)",
  ]);
});

test("an own mechanism that is wrong itself is answered, not thrown", () => {
  const twice = messagesOf(() => 0, [{ ...replicate, name: "snapshot" }]);
  expect(twice).toEqual([expect.stringContaining("same name: SnapshotOperation")]);
  for (const odd of [{}, { ...replicate, name: "A b" }, { ...replicate, family: "x" }, null]) {
    const messages = messagesOf(() => 0, [odd as Extension]);
    expect(messages).toEqual([expect.stringContaining("own mechanism 1 is not described as one")]);
  }
  const parameters = { type: "nonsense" } as unknown as Extension["parameters"];
  const bad = { ...replicate, parameters: { properties: { vm: parameters } } };
  expect(messagesOf(() => 0, [bad])).toEqual([expect.stringContaining("own mechanism is wrong")]);
});

test("canary: the table's check fails for a change that harms nothing", () => {
  expect(messagesOf((d) => merge(d, { description: "fine" }))).toHaveLength(0);
});
