/**
 * Each kind of operation is asked for while a VM starts, runs, is saved, is brought back and is off, with
 * disks of each kind. Nothing is at fault, so it is done, or refused at once in so many words: nobody
 * throws, and nobody waits for an answer that cannot come.
 */
import { describe, expect, it } from "vitest";
import {
  builtInExtensions,
  type Extension,
  type ResolvedScenario,
  type ScenarioDocument,
  validateDocument,
} from "../../scenarios/index.ts";
import { seededChooser } from "../arbitraries/chooser.ts";
import { drawEntry } from "../arbitraries/entries.ts";
import { outcomesOf, violations } from "../testing/crash-points.ts";
import { builderOf } from "../testing/small-datacenter.ts";

type Vm = NonNullable<ScenarioDocument["vms"]>[number];
type Entry = NonNullable<ScenarioDocument["timeline"]>[number];

const DISKS = {
  redo: { on: "array", kind: "redo", sizeMiB: 2 },
  cow: { on: "array", kind: "cow", sizeMiB: 2 },
  flat: { on: "array", kind: "flat", sizeMiB: 2 },
  network: { on: "array", kind: "network", sizeMiB: 2 },
  "of its host": { on: "alpha/ssd", kind: "flat", sizeMiB: 4 },
} as const;

const work = {
  name: "work",
  durationMs: 30,
  cpu: { busyPercent: 0 },
  memory: { workingSetMiB: 1, writesPerSecond: 2_000 },
};

const rest = { name: "rest", durationMs: 1_000_000, cpu: { busyPercent: 0 } };

const vmOf = (id: string, disk: (typeof DISKS)[keyof typeof DISKS]): Vm => ({
  id,
  host: "alpha",
  memoryMiB: 4,
  guest: { kind: "workload", bootMs: 2, phases: [work, rest] },
  disks: [{ id: "data", ...disk }],
});

const sleep = { id: "sleep", atMs: 60, do: "suspend", vm: "db", on: "array" } as const;
const wake = {
  id: "wake",
  after: "sleep.complete",
  do: "resume",
  vm: "db",
  on: "array",
  method: "eager",
  readsAtOnce: 1,
} as const;

/** What is done to the VM first, and when it is asked for the operation. */
const STAGES: { readonly [stage: string]: readonly [readonly Entry[], object] } = {
  starts: [[], { atMs: 0.3 }],
  boots: [[], { atMs: 3 }],
  runs: [[], { atMs: 60 }],
  "is saved": [[sleep], { after: "sleep.begin", delayMs: 2 }],
  "is asleep": [[sleep], { after: "sleep.complete" }],
  "is brought back": [[sleep, wake], { after: "sleep.complete", delayMs: 4 }],
  "is off": [[{ id: "off", atMs: 50, do: "power-off", vm: "db" }], { atMs: 60 }],
};

function documentOf(kind: keyof typeof DISKS, stage: string): ScenarioDocument {
  const disk = DISKS[kind];
  const keepsPoints = kind === "redo" || kind === "cow";
  const [before] = STAGES[stage]!;
  const isEarly = stage === "starts" || stage === "boots";
  const kept: readonly Entry[] = [
    ...(keepsPoints ? [{ id: "point", atMs: 15, do: "snapshot", vm: "db" } as const] : []),
    { id: "saved", atMs: 20, do: "checkpoint", vm: "db", on: "array", base: "last" },
    { id: "copied", atMs: 25, do: "backup", vm: "db", to: "vault" },
  ];
  const ssd = { disks: [{ id: "ssd", sizeMiB: 4 }] };
  return {
    name: "asked-at-any-time",
    seed: 1,
    durationMs: 150_000,
    hosts: [
      { id: "alpha", cores: 2, memoryMiB: 64, ...ssd },
      { id: "beta", cores: 2, memoryMiB: 64, ...ssd },
    ],
    arrays: [{ id: "array", kind: "cow", chunkKiB: 64 }, { id: "vault" }],
    links: [
      ...["alpha", "beta"].flatMap((host) =>
        ["array", "vault"].map((to) => ({ between: [host, to] as const })),
      ),
      { between: ["alpha", "beta"] },
    ],
    vms: [
      vmOf("db", disk),
      { ...vmOf("twin", "of its host" === kind ? DISKS.redo : disk), poweredOn: false },
    ],
    timeline: [...(isEarly ? [] : kept), ...before],
  };
}

const GROUND = { phases: {}, steps: 1, busyMs: 1, delays: [] };
/** Of moves: slower ones take longer than the run. */
const RATE = { maxMbps: 1_000 };
/** There the disks go while the operation waits for one of them. */
const GOES_OFF = "is saved";

const OPERATIONS = builtInExtensions.filter(({ family }) => family === "operation");

/** What it is asked for with, but when. */
function drawn(extension: Extension, document: ResolvedScenario): object | undefined {
  const { properties = {} } = extension.parameters;
  const given = {
    ...(Object.hasOwn(properties, "vm") && { vm: "db" }),
    ...(Object.hasOwn(properties, "maxMbps") && RATE),
  };
  const made = drawEntry(seededChooser(1, 0), extension, document, GROUND, "asked", given);
  const { atMs: _, after: __, delayMs: ___, ...entry } = made ?? {};
  return made === undefined ? undefined : entry;
}

function runOf(document: ScenarioDocument) {
  const { build, durationNs } = builderOf(document);
  const world = build({ seed: 1 });
  world.isMeasuring = false;
  const ended = outcomesOf(world);
  world.run({ untilNs: durationNs });
  world.finish();
  return { outcome: ended["asked"], found: violations(world) };
}

/** How many were asked for; what went wrong comes into `wrong`. */
function askedFor(kind: keyof typeof DISKS, stage: string, wrong: string[]): number {
  let asked = 0;
  const document = documentOf(kind, stage);
  const valid = validateDocument(document, { file: "before" });
  if (!valid.ok) throw new Error(valid.problems[0]!.message);
  for (const extension of OPERATIONS) {
    const entry = drawn(extension, valid.document);
    if (entry === undefined) continue;
    const asks = { ...entry, ...STAGES[stage]![1] } as unknown as Entry;
    const all = { ...document, timeline: [...document.timeline!, asks] };
    if (!validateDocument(all, { file: "asked" }).ok) continue;
    asked++;
    const { outcome, found } = runOf(all);
    const isLate = outcome === "timeout" && stage !== GOES_OFF;
    if (found.length === 0 && outcome !== undefined && !isLate) continue;
    wrong.push(`${extension.name} while ${kind} ${stage}: ${outcome ?? "no end"} ${found.join()}`);
  }
  return asked;
}

describe("an operation on a VM with disks", () => {
  for (const kind of Object.keys(DISKS) as (keyof typeof DISKS)[]) {
    it(`${kind} is done, or refused in so many words, at any stage`, () => {
      const wrong: string[] = [];
      let asked = 0;
      for (const stage of Object.keys(STAGES)) asked += askedFor(kind, stage, wrong);
      expect(wrong).toEqual([]);
      expect(asked).toBeGreaterThan(100);
    }, 120_000);
  }
});
