/**
 * Operations that make sense one after the other only: a VM is resumed when it was suspended, and a
 * point in time is consolidated offline when it was taken and the VM is off. Drawn one by one they
 * would hardly ever meet. Each step begins when the one before has ended or, now and then, sooner.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import { type Chooser, oneOf } from "./chooser.ts";
import { drawEntry, drawNextEntry, type Ground } from "./entries.ts";
import type { Members, Vocabulary } from "./references.ts";

interface Step {
  readonly do: string;
  /**
   * Members that are not drawn. One beginning with `#` is the id of the step of that number, `@other`
   * another VM than the one that the story is about: with disks of the same names if there is one.
   */
  readonly with?: Members;
}

export interface Story {
  readonly name: string;
  readonly steps: readonly Step[];
}

const last = { base: "last" };
const OTHER = "@other";

/** To be followed by more: the other VM runs as a clone of a point (step 0) that was taken for it. */
const LINKED: readonly Step[] = [
  { do: "snapshot" },
  { do: "power-off", with: { vm: OTHER } },
  { do: "linked-clone", with: { point: "#0", clone: OTHER } },
  { do: "power-on", with: { vm: OTHER } },
];

export const stories: readonly Story[] = [
  {
    name: "suspended and resumed",
    steps: [{ do: "suspend" }, { do: "resume" }],
  },
  {
    name: "resumed with what it used, and moved",
    steps: [
      { do: "suspend", with: { workingSet: "traced", traceMs: 2 } },
      { do: "resume", with: { method: "working-set" } },
      { do: "migrate" },
    ],
  },
  {
    name: "resumed, and saved and moved before its pages are there",
    steps: [
      { do: "suspend", with: { blockKiB: 16 } },
      { do: "resume", with: { readsAtOnce: 1 } },
      { do: "checkpoint", with: { after: "#1.goesOn" } },
      { do: "migrate", with: { after: "#1.goesOn" } },
    ],
  },
  {
    name: "resumed with its neighbours",
    steps: [
      { do: "suspend" },
      { do: "resume", with: { method: "deferred", prefetch: "virtual", readsAtOnce: 0 } },
      { do: "checkpoint", with: { after: "#1.goesOn" } },
    ],
  },
  {
    name: "restored from a checkpoint",
    steps: [
      { do: "checkpoint", with: { withDisks: true } },
      { do: "power-off" },
      { do: "restore-checkpoint" },
    ],
  },
  {
    name: "checkpoints on each other",
    steps: [
      { do: "checkpoint", with: { ...last, keepOlder: true } },
      { do: "checkpoint", with: { ...last, keepOlder: true } },
      { do: "checkpoint", with: { ...last, longestChain: 2, withDisks: true } },
      { do: "power-off" },
      { do: "restore-checkpoint" },
    ],
  },
  {
    name: "checkpoints merged",
    steps: [
      { do: "checkpoint", with: { ...last, withDisks: true } },
      { do: "checkpoint", with: { ...last, longestChain: 8, withDisks: true } },
      { do: "merge-checkpoints", with: { checkpoint: "#1" } },
      { do: "checkpoint", with: last },
      { do: "power-off" },
      { do: "restore-checkpoint", with: { checkpoint: "#1" } },
    ],
  },
  {
    name: "moved and saved",
    steps: [{ do: "migrate" }, { do: "checkpoint", with: last }, { do: "migrate" }],
  },
  {
    name: "moved and called off",
    steps: [{ do: "migrate" }, { do: "cancel-migration", with: { after: "#0.copy" } }],
  },
  {
    name: "moved and evacuated",
    steps: [{ do: "migrate" }, { do: "evacuate" }],
  },
  {
    name: "consolidated while off",
    steps: [
      { do: "snapshot" },
      { do: "snapshot" },
      { do: "power-off" },
      { do: "consolidate", with: { point: "#1" } },
      { do: "power-on" },
    ],
  },
  {
    name: "a branch consolidated",
    steps: [
      { do: "snapshot" },
      { do: "snapshot" },
      { do: "revert", with: { point: "#0", restart: true } },
      { do: "consolidate", with: { point: "#1" } },
    ],
  },
  {
    name: "backed up twice and restored",
    steps: [
      { do: "backup" },
      { do: "backup", with: { mode: "incremental" } },
      { do: "power-off" },
      { do: "restore", with: { backup: "#1" } },
      { do: "power-on" },
    ],
  },
  {
    name: "reverted and started",
    steps: [
      { do: "snapshot" },
      { do: "power-off" },
      { do: "revert", with: { point: "#0" } },
      { do: "power-on" },
    ],
  },
  {
    name: "linked and promoted",
    steps: [...LINKED, { do: "promote", with: { vm: "@other" } }],
  },
  {
    name: "a clone with a point of its own promoted",
    steps: [
      ...LINKED,
      { do: "snapshot", with: { vm: "@other" } },
      { do: "promote", with: { vm: "@other", snapshots: "carry", copyKiB: 64 } },
      { do: "revert", with: { vm: "@other", point: "#4", restart: true } },
    ],
  },
  {
    name: "linked above a point that is given up",
    steps: [
      { do: "snapshot" },
      { do: "snapshot" },
      { do: "power-off", with: { vm: "@other" } },
      { do: "consolidate", with: { point: "#0", copyKiB: 16 } },
      { do: "linked-clone", with: { point: "#1", clone: "@other", after: "#3.begin" } },
      { do: "power-on", with: { vm: "@other" } },
    ],
  },
  {
    name: "linked to a clone of its own",
    steps: [
      ...LINKED,
      { do: "snapshot", with: { vm: "@other" } },
      { do: "power-off" },
      { do: "linked-clone", with: { vm: "@other", point: "#4" } },
      { do: "power-on" },
      { do: "promote" },
    ],
  },
  {
    name: "disks checkpointed and restored",
    steps: [
      { do: "disk-checkpoint" },
      { do: "power-off" },
      { do: "restore", with: { backup: "#0" } },
      { do: "power-on" },
    ],
  },
  {
    name: "another format and back",
    steps: [
      { do: "snapshot" },
      { do: "migrate-disk-format", with: { to: "redo" } },
      { do: "migrate-disk-format", with: { to: "cow" } },
    ],
  },
];

/** Members of a step that mean the same in the next one. */
const SHARED = ["vm", "on"];

const isAbout = (member: string, { parameters }: { parameters: { properties?: object } }) =>
  Object.hasOwn(parameters.properties ?? {}, member);

/** VMs that are chosen before the first step. */
interface Cast {
  readonly [member: string]: string | undefined;
  readonly vm?: string;
  readonly other?: string;
}

/** Undefined where the document has not enough VMs. */
function castOf(
  chooser: Chooser,
  steps: readonly Step[],
  { vms }: ResolvedScenario,
): Cast | undefined {
  const isOfTwo = steps.some((step) => Object.values(step.with ?? {}).includes(OTHER));
  if (!isOfTwo) return {};
  if (vms.length < 2) return undefined;
  const likeOf = (vm: Vm): readonly Vm[] =>
    vms.filter((each) => each !== vm && shapeOf(each) === shapeOf(vm));
  const pairs = vms.map((vm) => ({ vm, like: likeOf(vm) }));
  const withLike = pairs.filter(({ like }) => like.length > 0);
  const { vm, like } = oneOf(chooser, withLike.length > 0 ? withLike : pairs);
  const other = oneOf(chooser, like.length > 0 ? like : vms.filter((each) => each !== vm));
  return { vm: vm.id, other: other.id };
}

type Vm = ResolvedScenario["vms"][number];

const shapeOf = ({ disks }: Vm): string =>
  disks.map(({ id, on, kind, sizeMiB }) => `${id} ${on} ${kind} ${sizeMiB}`).join();

/** The steps as far as they can be drawn, the first at any time. `nameOf`: id of the nth step. */
export function drawStory(
  chooser: Chooser,
  { steps }: Story,
  { operations }: Vocabulary,
  document: ResolvedScenario,
  ground: Ground,
  nameOf: (step: number) => string,
): readonly Members[] {
  const made: Members[] = [];
  const cast = castOf(chooser, steps, document);
  if (cast === undefined) return made;
  let grown = document;
  for (const [at, step] of steps.entries()) {
    const kind = operations.find(({ name }) => name === step.do);
    if (kind === undefined) break;
    const before = made[at - 1];
    const given: { [member: string]: Members[string] } = {};
    for (const member of SHARED) {
      const value = cast[member] ?? made.find((each) => each[member] !== undefined)?.[member];
      if (value !== undefined && isAbout(member, kind)) given[member] = value;
    }
    for (const [member, value] of Object.entries(step.with ?? {})) {
      const [, number, rest = ""] = /^#(\d)([.].+)?$/.exec(String(value)) ?? [];
      const named = number === undefined ? "" : String(made[Number(number)]!["id"]) + rest;
      given[member] = value === OTHER ? cast.other! : number === undefined ? value : named;
    }
    const id = nameOf(at);
    const entry =
      before === undefined
        ? drawEntry(chooser, kind, grown, ground, id, given)
        : drawNextEntry(chooser, kind, grown, ground, id, given, String(before["id"]));
    if (entry === undefined) break;
    made.push(entry);
    grown = { ...grown, timeline: [...grown.timeline, entry] } as unknown as ResolvedScenario;
  }
  return made;
}

/** Stories that can be told from beginning to end with what may be drawn. */
export const storiesOf = ({ drawn }: Vocabulary): readonly Story[] =>
  stories.filter(({ steps }) =>
    steps.every((step) => drawn.operations.some(({ name }) => name === step.do)),
  );
