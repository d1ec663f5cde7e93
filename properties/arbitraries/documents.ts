/**
 * Whole documents from nothing: hosts, arrays, links, VMs with disks and guests. Operations and faults
 * are drawn onto them as onto any other scenario. Swarm style: which kinds of parts a document may
 * have is drawn first, so that some have what others lack.
 */
import { type ResolvedScenario, validateDocument } from "../../scenarios/index.ts";
import { between, chance, type Chooser, oneOf, skewed } from "./chooser.ts";
import type { Ground } from "./entries.ts";
import {
  DISK_KINDS,
  drawMachine,
  type Machine,
  type MachinePalette,
  OWN_DISKS,
} from "./machines.ts";
import type { Members, Vocabulary } from "./references.ts";

/** What the parts of one document may be. */
interface Palette extends MachinePalette {
  readonly arrayKinds: readonly string[];
  readonly hasRacks: boolean;
  readonly hasJitter: boolean;
  readonly hasSecondPaths: boolean;
  readonly hasSensors: boolean;
  /** Page caches, processors, interfaces and arrays that are small for what is asked of them. */
  readonly isTight: boolean;
  readonly hasTimeServers: boolean;
}

const HOSTS = ["alpha", "beta", "gamma"];
const ARRAYS = ["array", "vault"];
const VMS = ["db", "web", "app"];
/** Long enough for restarts of VMs, and for obligations to come due. */
const DURATION_MS = 6_000;

export function drawDocument(chooser: Chooser): ResolvedScenario {
  const checked = validateDocument(drawParts(chooser), { file: "generated" });
  if (checked.ok) return checked.document;
  const { message, pointer } = checked.problems[0]!;
  throw new Error(`a document that was drawn is refused: ${pointer} ${message}`);
}

function drawParts(chooser: Chooser): Members {
  const some = <T>(list: readonly T[]): readonly T[] => {
    const kept = list.filter(() => chance(chooser, 60));
    return kept.length === 0 ? [oneOf(chooser, list)] : kept;
  };
  const palette: Palette = {
    arrayKinds: some(["redo", "cow"]),
    diskKinds: some(DISK_KINDS),
    cacheModes: some(["none", "writethrough", "writeback"]),
    hasRacks: chance(chooser, 30),
    hasJitter: chance(chooser, 70),
    hasSecondPaths: chance(chooser, 40),
    hasSensors: chance(chooser, 25),
    hasMemory: chance(chooser, 50),
    hasOwnDisks: chance(chooser, 30),
    hasDrivers: chance(chooser, 25),
    hasProtection: chance(chooser, 35),
    hasTraffic: chance(chooser, 25),
    hasTwins: chance(chooser, 35),
    hasPriorities: chance(chooser, 25),
    hasOpenLoads: chance(chooser, 25),
    computes: chance(chooser, 25),
    worksAgain: chance(chooser, 35),
    isTight: chance(chooser, 25),
    hasTimeServers: chance(chooser, 15),
  };
  const hosts = HOSTS.slice(0, between(chooser, 1, HOSTS.length));
  const arrays = ARRAYS.slice(0, between(chooser, 1, ARRAYS.length)).map((id) =>
    drawArray(chooser, id, palette),
  );
  return {
    name: "generated",
    seed: chooser.below(2 ** 31),
    durationMs: DURATION_MS,
    hosts: hosts.map((id) => drawHost(chooser, id, hosts, palette)),
    arrays,
    links: drawLinks(chooser, hosts, arrays, palette),
    vms: drawMachines(chooser, hosts, arrays, palette),
    timeline: [],
    faults: [],
  };
}

function drawMachines(
  chooser: Chooser,
  hosts: readonly string[],
  arrays: readonly Array[],
  palette: Palette,
): readonly Members[] {
  const ids = VMS.slice(0, between(chooser, 1, VMS.length));
  const made: Machine[] = [];
  for (const [number, id] of ids.entries()) {
    const others = ids.filter((other) => other !== id);
    const model = made[0]?.disks.filter(({ on }) => !String(on).includes("/")) ?? [];
    made.push(drawMachine(chooser, { id, number, others, hosts, arrays, model }, palette));
  }
  return made;
}

/** With its own disk, a rack, or a sensor that sends its VMs away before it fails. */
function drawHost(
  chooser: Chooser,
  id: string,
  hosts: readonly string[],
  { hasRacks, hasOwnDisks, hasSensors, isTight, hasTimeServers }: Palette,
): Members {
  const to = hosts.filter((each) => each !== id);
  const sensor = { nominal: 24, warningAt: 30, criticalAt: 40, periodMs: 25 };
  return {
    id,
    cores: between(chooser, 1, 4),
    memoryMiB: 4_096,
    ...(hasRacks && { rack: `rack-${between(chooser, 1, 2)}` }),
    ...(isTight && {
      scheduler: { quantumUs: oneOf(chooser, [200, 1_000, 5_000]) },
      pageCache: { sizeMiB: 1, writebackMs: oneOf(chooser, [2, 20, 5_000]) },
      nic: { bandwidthMbps: oneOf(chooser, [200, 1_000, 25_000]) },
    }),
    ...(hasTimeServers && { clock: { ntp: { pollMs: oneOf(chooser, [50, 400]), errorUs: 400 } } }),
    ...(hasOwnDisks && {
      disks: OWN_DISKS.map((disk) => ({
        id: disk,
        sizeMiB: 16,
        writeCacheMiB: oneOf(chooser, [0, 1]),
      })),
    }),
    ...(hasSensors && { sensors: [{ id: "inlet", ...sensor }] }),
    ...(hasSensors && to.length > 0 && { evacuation: { to, startUpMs: 5 } }),
  };
}

type Array = Members & { readonly id: string; readonly kind: string };

function drawArray(chooser: Chooser, id: string, { arrayKinds, isTight }: Palette): Array {
  const kind = oneOf(chooser, arrayKinds);
  const readLatencyUs = skewed(chooser, 20, 400);
  const writeLatencyUs = skewed(chooser, 20, 400);
  return {
    id,
    kind,
    readLatencyUs,
    writeLatencyUs,
    ...(kind === "cow" && { chunkKiB: oneOf(chooser, [64, 256]) }),
    ...(isTight && { queueDepth: oneOf(chooser, [1, 4, 256]), seekUs: oneOf(chooser, [0, 200]) }),
  };
}

/** Every host reaches every array, some of them twice, and every other host. */
function drawLinks(
  chooser: Chooser,
  hosts: readonly string[],
  arrays: readonly Array[],
  { hasJitter, hasSecondPaths }: Palette,
): readonly Members[] {
  const link = (from: string, to: string, id?: string): Members => ({
    ...(id !== undefined && { id }),
    between: [from, to],
    latencyUs: skewed(chooser, 5, 500),
    jitterUs: hasJitter ? skewed(chooser, 1, 100) : 0,
  });
  return hosts.flatMap((host, index) => [
    ...arrays.flatMap(({ id }) => [
      link(host, id),
      ...(hasSecondPaths && chance(chooser, 50) ? [link(host, id, `${host}--${id}-again`)] : []),
    ]),
    ...hosts.slice(index + 1).map((other) => link(host, other)),
  ]);
}

const STEPS = 120;
const BUSY_MS = 30;
const DRAWS = 60;

/** What a document that was never run may be taken to have. */
export function likelyGround({ links }: ResolvedScenario, { operations }: Vocabulary): Ground {
  const phases = Object.fromEntries(operations.map(({ name, phases: of = [] }) => [name, of]));
  const jitters = links.filter(({ jitterUs }) => jitterUs > 0);
  const delays = jitters.map(({ id }) => ({ entity: id, purpose: "jitter", draws: DRAWS }));
  return { phases, steps: STEPS, busyMs: BUSY_MS, delays };
}
