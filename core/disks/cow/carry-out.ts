/**
 * How a plan that makes disks is carried out: intent, with the names of all that will be made; the
 * names are reserved, that of a new VM among all copies to it; then step by step what the plan says, to which nothing leads; commit; recovery
 * makes a configuration lead to it, and what it replaces goes. Before the commit all that was made
 * goes again.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  go,
  type Operation,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  type Step,
} from "../../kernel/index.ts";
import { askArray } from "../chain/array-requests.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import {
  configurationFile,
  intentFile,
  type VmConfiguration,
  volumeOf,
  intentGiven,
} from "../chain/descriptor.ts";
import { arrayTasks, type TaskResults } from "./array-tasks.ts";
import { isAdopted } from "../clone/sharers.ts";
import {
  type ArrayView,
  CowView,
  holdUnder,
  lookAtArray,
  makeDescriptor,
  removeMade,
  sharersOfAll,
  writeIf,
} from "./cow-files.ts";
import {
  type CloneNameIntent,
  descriptorHolder,
  type HierarchyIntent,
  intentHolder,
  isOfNewVm,
} from "./cow-intents.ts";
import { endings, noteFailure } from "./endings.ts";
import type { CopyPlan, CopyStep } from "./hierarchy-plan.ts";
import { recoverHierarchy } from "./recover-hierarchy.ts";

export type CopyState = {
  plan: CopyPlan | null;
  configuration: VmConfiguration | null;
  configurationVersion: number;
  intent: HierarchyIntent | null;
  intentVersion: number;
  /** The names of what is made are this operation's own. */
  isReserved: boolean;
  /** Names that the array gave, by their places in the plan. */
  names: { [place: string]: string };
  cursor: number;
  copiedSectors: number;
  failure: Refusal | null;
};

export const newCopy = (): CopyState & PlainObject =>
  ({
    plan: null,
    configuration: null,
    configurationVersion: 0,
    intent: null,
    intentVersion: 0,
    isReserved: false,
    names: {},
    cursor: 0,
    copiedSectors: 0,
    failure: null,
  }) as CopyState & PlainObject;

type Op = Operation<{ readonly array: EntityId } & PlainObject, CopyState & PlainObject>;
const PATIENCE_NS = 3_600_000_000_000;

/** Opens the intent; nothing of the plan may be there yet. */
export function openCopy(op: Op, view: CowView, plan: CopyPlan, intent: HierarchyIntent): Step {
  const taken = plan.made.find((name) => view.files.get(name) !== undefined);
  if (taken !== undefined) return fail("descriptor-exists", taken);
  const state = op.edit();
  state.plan = plan as never;
  state.configuration = view.configuration(intent.vm) as never;
  state.configurationVersion = view.version(configurationFile(intent.vm));
  state.intent = intent as never;
  const { vm } = intent;
  const given = disksAsRead(view.files, vm);
  return opensIntent(op.params.array, intentFile(vm), intent, given, "reserveNames");
}

/** What is made is held by the intent, and is not made once that was settled. */
const underIntent = ({ state: { intent, intentVersion: version } }: Op) => ({
  holder: intentHolder(intent!),
  given: intentGiven(intent!.vm, version),
});

const named = (op: Op, name: string): string => op.state.names[name] ?? name;

function task(op: Op, verb: string, body: Plain, next: string): Step {
  const { array } = op.params;
  const tasks = [{ verb, body }];
  return perform(arrayTasks, { array, tasks, patienceNs: PATIENCE_NS }, next, "trouble");
}

const STEPS: {
  readonly [Do in CopyStep["do"]]: (op: Op, step: Extract<CopyStep, { do: Do }>) => Step;
} = {
  "create-base": (op, { label, sectors }) => {
    const body = { label, sectors, ...underIntent(op) };
    return askArray(op.params.array, "vasa-create", body, "nameBase", "trouble");
  },
  "clone-base": (op, { snapshot, label }) => {
    const body = { snapshot, label, ...underIntent(op) };
    return askArray(op.params.array, "vasa-clone", body, "nameBase", "trouble");
  },
  "create-volume": (op, { name, sectors }) => {
    const body = { name, sectors, given: underIntent(op).given };
    return askArray(op.params.array, "create-volume", body, "advance", "trouble");
  },
  copy: (op, { from, since, to }) => {
    const body = { from, since, to: named(op, to) };
    return task(op, "vasa-copy-diffs", body, "countCopied");
  },
  snapshot: (op, { base }) => {
    const { holder, given } = underIntent(op);
    const bases = [{ base: named(op, base), holders: [holder] }];
    return task(op, "vasa-prepare", { bases, given }, "nameSnapshot");
  },
  revert: (op, { base, snapshot }) => {
    const body = { base: named(op, base), snapshot: named(op, snapshot), fence: 0 };
    return task(op, "vasa-revert", body, "countCopied");
  },
  describe: (op, { name, descriptor }) => {
    if (descriptor.kind !== "cow") return go("writeDescriptor");
    const vvol = named(op, descriptor.volume);
    const made = { vvol, holder: descriptorHolder(name) };
    return holdUnder(op.params.array, op.state.intent!, made, "writeDescriptor", "trouble");
  },
};

const stepOf = (op: Op): CopyStep => op.state.plan!.steps[op.state.cursor]!;

/** Phases after that of `openCopy`. */
export const carryingOut = {
  /** The names of what is made are nobody's ever after, whatever becomes of this. */
  reserveNames(_host: Entity, op: Op, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    const { array } = op.params;
    const { configuration, configurationVersion, plan } = op.state;
    const { vm } = op.state.intent!;
    const value = { ...configuration!, layersMade: plan!.configuration.layersMade };
    const name = configurationFile(vm);
    const next = isOfNewVm(op.state.intent!) ? "claimName" : "step";
    return writeIf(array, name, value, configurationVersion, next, "trouble");
  },

  /** Of two copies to one name at once, one alone makes anything. */
  claimName(_host: Entity, op: Op): Step {
    const { vm, target, operation } = op.state.intent!;
    const claim: CloneNameIntent = { kind: "clone-name", operation, vm: target, source: vm };
    const { given } = underIntent(op);
    const body = { name: intentFile(target), value: claim, ifVersion: 0, given };
    return askArray(op.params.array, "file-write", body, "lookForOthers", "trouble");
  },

  lookForOthers: (_host: Entity, op: Op): Step =>
    lookAtArray(op.params.array, "guardName", "trouble"),

  /**
   * Another copy may have ended since the plan was made: then what bears the names is its own. As
   * long as the intent is `opened` its undoing removes nothing but the claim.
   */
  guardName(_host: Entity, op: Op, answer: ArrayView): Step {
    const { array } = op.params;
    const { intent, intentVersion } = op.state;
    const { vm, target, made } = intent!;
    const { files } = new CowView(answer);
    if ([configurationFile(target), ...made].some((name) => files.get(name) !== undefined)) {
      noteFailure(op, { code: "vm-exists", detail: target });
      return go("settle");
    }
    const guarded = { ...intent!, stage: "guarded" };
    return writeIf(array, intentFile(vm), guarded, intentVersion, "guarded", "trouble");
  },

  guarded(_host: Entity, op: Op, { version }: { version: number }): Step {
    op.edit().intentVersion = version;
    return go("step");
  },

  step(_host: Entity, op: Op): Step {
    const { plan, cursor, isReserved } = op.state;
    if (!isReserved) op.edit().isReserved = true;
    if (cursor === plan!.steps.length) {
      return lookAtArray(op.params.array, "commit", "trouble");
    }
    const step = stepOf(op);
    return (STEPS[step.do] as (op: Op, step: CopyStep) => Step)(op, step);
  },

  advance(_host: Entity, op: Op): Step {
    op.edit().cursor++;
    return go("step");
  },

  nameBase(_host: Entity, op: Op, { vvol }: { vvol: string }): Step {
    op.edit().names[(stepOf(op) as { as: string }).as] = vvol;
    return go("advance");
  },

  nameSnapshot(_host: Entity, op: Op, { results }: TaskResults): Step {
    const { vvol } = results[0]!.items[0]!;
    op.edit().names[(stepOf(op) as { as: string }).as] = vvol;
    const body = { snapshots: [vvol], timeoutNs: PATIENCE_NS };
    return task(op, "vasa-snapshot", body, "advance");
  },

  countCopied(_host: Entity, op: Op, { results }: TaskResults): Step {
    op.edit().copiedSectors += results[0]!.copiedSectors;
    return go("advance");
  },

  writeDescriptor(_host: Entity, op: Op): Step {
    const { name, descriptor } = stepOf(op) as Extract<CopyStep, { do: "describe" }>;
    const own = { ...descriptor, volume: named(op, descriptor.volume) };
    const { given } = underIntent(op);
    return makeDescriptor(op.params.array, name, own, given, "advance", "trouble");
  },

  /** Checked under the intent: a linked clone may have been taken while it was copied. */
  commit(host: Entity, op: Op, answer: ArrayView): Step {
    const { array } = op.params;
    const { intent, intentVersion } = op.state;
    const { vm } = intent!;
    const { files } = new CowView(answer);
    const replaced = intent!.replaced.map(({ descriptor }) => descriptor);
    const sharers = sharersOfAll(files, vm, replaced);
    if (sharers.length > 0) {
      noteFailure(op, { code: "shared", detail: sharers });
      return go("settle");
    }
    // Whole by now; by the time that the commit is answered somebody may have started the VM.
    const { pairs } = op.state.plan!;
    host.notice("hierarchy-copied", { array, pairs: pairs as unknown as Plain });
    const committed = { ...intent!, stage: "committed" };
    return writeIf(array, intentFile(vm), committed, intentVersion, "settle", "trouble");
  },

  settle(_host: Entity, op: Op): Step {
    const { array } = op.params;
    const { vm } = op.state.intent!;
    return perform(recoverHierarchy, { vm, array, own: op.identity }, "settled", "unsettled");
  },

  /** Somebody else may have settled it: then the configuration says how. */
  settled(_host: Entity, op: Op, { outcome }: { outcome: string }): Step {
    if (outcome === "forward") return go("report");
    return outcome === "back" ? go("failed") : lookAtArray(op.params.array, "judge", "unsettled");
  },

  judge(_host: Entity, op: Op, answer: ArrayView): Step {
    const { array } = op.params;
    const { intent, plan } = op.state;
    // By now another copy may have made a VM of that name.
    if (isOfNewVm(intent!)) {
      const running = new CowView(answer).configuration(intent!.target)?.running ?? {};
      const names = Object.entries(plan!.configuration.running);
      return go(names.every(([disk, name]) => running[disk] === name) ? "report" : "failed");
    }
    // Nothing was made, and by now the names may be somebody else's.
    if (!op.state.isReserved) return go("failed");
    if (isAdopted(new CowView(answer).files, plan!.made)) return go("report");
    const volumes = plan!.made.map(volumeOf);
    return removeMade(array, intent!, plan!.made, volumes, "failed");
  },

  report: (_host: Entity, op: Op): Step => done({ copiedSectors: op.state.copiedSectors }),

  ...endings,
};
