/**
 * A planted bug: a small change of a source file, of the kind that people make, by which the search
 * and the suites are measured. Must hold: the text that it replaces stands exactly once in its
 * file, and what it makes of the file is a program.
 */
export interface Bug {
  readonly name: string;
  /** What is wrong, in one line. */
  readonly what: string;
  readonly mechanism: Mechanism;
  /** From the root of the repository. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Invariants, laws or tests that ought to notice: what a reader expects, not what is checked. */
  readonly breaks: readonly string[];
  /** Test files and folders that may notice; the suites of the mechanism when there are none. */
  readonly suites?: readonly string[];
  /** Scenarios to explore; those of the mechanism when there are none. */
  readonly scenarios?: readonly string[];
  /** The report of a bug in another system that this one re-creates. */
  readonly report?: string;
}

export type Mechanism =
  | "kernel"
  | "platform"
  | "disks"
  | "cow"
  | "consolidation"
  | "promotion"
  | "handoff"
  | "backup"
  | "vmm"
  | "pages"
  | "migration"
  | "checkpoints"
  | "integrity"
  | "fault-tolerance"
  | "rv64"
  | "traces";

const STORM = ["scenarios/storage-storm.ts"];
const DEVICES = ["properties/bugs/grounds/devices.ts"];
const OWNERS = ["properties/bugs/grounds/owners.ts"];
const CLONES = ["properties/bugs/grounds/clones.ts"];
const FOLLOWERS = ["properties/bugs/grounds/followers.ts"];
const GUARDS = ["properties/bugs/grounds/guards.ts"];
const MEMORY_STORM = ["scenarios/memory-storm.ts"];
const TRAVELLERS = ["properties/bugs/grounds/travellers.ts"];
const SLEEPERS = ["properties/bugs/grounds/sleepers.ts"];
const SAVERS = ["properties/bugs/grounds/savers.ts"];

/** Where to hunt for the bugs of a mechanism: no scenario and no suite knows of any of them. */
export const GROUNDS: {
  readonly [mechanism in Mechanism]: {
    readonly scenarios: readonly string[];
    readonly suites: readonly string[];
  };
} = {
  kernel: {
    scenarios: DEVICES.concat(STORM),
    suites: ["world", "snapshot", "event-queue", "gate", "operation"]
      .map((name) => `core/kernel/${name}.test.ts`)
      .concat("core/platform/network/link.test.ts", "core/platform/storage/stack.test.ts")
      .concat("properties/clockwork/time-laws.test.ts"),
  },
  platform: {
    scenarios: DEVICES,
    suites: [
      "network/link",
      "storage/disk",
      "storage/page-cache",
      "storage/array",
      "storage/stack",
    ].map((name) => `core/platform/${name}.test.ts`),
  },
  disks: {
    scenarios: STORM.concat(SAVERS),
    suites: ["late-requests", "lost-answers", "disk-kinds", "started-again", "snapshot-crashes"]
      .map((name) => `properties/disks/${name}.test.ts`)
      .concat("core/disks/chain", "core/disks/consolidation"),
  },
  cow: { scenarios: STORM, suites: ["core/disks/cow"] },
  consolidation: { scenarios: STORM, suites: ["core/disks/consolidation"] },
  promotion: { scenarios: CLONES, suites: ["core/disks/promotion"] },
  handoff: { scenarios: OWNERS, suites: ["properties/disks/handoff.test.ts"] },
  backup: {
    scenarios: STORM.concat(TRAVELLERS),
    suites: ["properties/disks/backup-crashes.test.ts"],
  },
  vmm: {
    scenarios: MEMORY_STORM,
    suites: ["core/vmm/vm.test.ts", "core/vmm/lone-guest.test.ts", "core/vmm/rv64"],
  },
  pages: {
    scenarios: MEMORY_STORM,
    suites: ["core/vmm/pages/pages.test.ts", "core/vmm/pages/machine-pages.test.ts"],
  },
  migration: {
    scenarios: MEMORY_STORM,
    suites: [
      "properties/migration/migration-ends.test.ts",
      "properties/migration/migration.test.ts",
    ].concat("properties/migration/migration-crashes.test.ts"),
  },
  checkpoints: {
    scenarios: MEMORY_STORM.concat(SLEEPERS, SAVERS),
    suites: ["memory-checkpoints", "prefetch", "deferred", "machine-checkpoints"]
      .map((name) => `properties/memory/${name}.test.ts`)
      .concat("core/checkpoints"),
  },
  integrity: {
    scenarios: MEMORY_STORM,
    suites: [
      "core/vmm/integrity/leaving.test.ts",
      "core/vmm/integrity/integrity.test.ts",
      "properties/memory/guest-integrity.test.ts",
    ].concat("core/vmm/integrity/guard-machine.test.ts"),
  },
  "fault-tolerance": {
    scenarios: FOLLOWERS.concat(GUARDS),
    suites: ["fault-tolerance", "lost-log", "two-starts"].map(
      (name) => `properties/fault-tolerance/${name}.test.ts`,
    ),
  },
  rv64: {
    scenarios: [],
    suites: [
      "focused-lockstep",
      "small-numbers",
      "lockstep",
      "purity",
      "samples",
      "softfloat",
      "traces",
      "interrupts",
    ]
      .map((name) => `core/guest/rv64/${name}.test.ts`)
      .concat("core/vmm/rv64/rv64-vm.test.ts", "core/vmm/pages/machine-pages.test.ts"),
  },
  traces: {
    scenarios: [],
    suites: [
      "traces/replaying/replaying.test.ts",
      "traces/recording/snapshot-ladder.test.ts",
      "cli/verbs/replay-lone.test.ts",
      "cli/interrupted-run.test.ts",
      "cli/verbs/trace-verbs.test.ts",
      "core/vmm/rv64/rv64-vm.test.ts",
      "properties/fault-tolerance/fault-tolerance.test.ts",
    ],
  },
};

export const suitesOf = (bug: Bug): readonly string[] =>
  bug.suites ?? GROUNDS[bug.mechanism].suites;

export const scenariosOf = (bug: Bug): readonly string[] =>
  bug.scenarios ?? GROUNDS[bug.mechanism].scenarios;
