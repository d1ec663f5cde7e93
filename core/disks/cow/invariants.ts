/**
 * What must hold of copy-on-write disks whenever something becomes durable: some descriptor leads to
 * each live base, and only one unless a snapshot is being swizzled; no descriptor of a disk leads to
 * nothing; a revert ends at the point in time or where it began; a copy holds what it is a copy of.
 * When no operation is at work holders are descriptors, one for one.
 */
import {
  always,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  type SectorContent,
  type World,
} from "../../kernel/index.ts";
import {
  type ArrayEntity,
  arraysOf,
  cloneHolder,
  hasVolume,
  volumeContent,
  type VvolsEntity,
  vvolsOf,
} from "../../platform/index.ts";
import type { RestoreIntent } from "../backup/restore-intent.ts";
import { chainView, flattened } from "../chain/chain-view.ts";
import type { VmConfiguration } from "../chain/descriptor.ts";
import { type FileTable, fileTableOf } from "../chain/file-table.ts";
import { type CowIntent, type CowRevertIntent, descriptorHolder } from "./cow-intents.ts";

/** What lies on an array now. */
type Seen = {
  readonly array: ArrayEntity;
  readonly vvols: VvolsEntity;
} & Pick<FileTable, "descriptors" | "configurations" | "intents">;

const isRelevant = (label: string): boolean =>
  label.startsWith("file ") ||
  label.startsWith("delete file ") ||
  label.startsWith("take ") ||
  label.startsWith("prepare ") ||
  label.includes("vvol");

/** The array that became durable something else than written sectors; else undefined. */
const seenAt = (entity: Entity, { label }: PlainObject): Seen | undefined =>
  isRelevant(label as string) ? seenOf(entity) : undefined;

function seenOf(entity: Entity): Seen | undefined {
  const array = entity.kind === "vvols" ? arrayOfVvols(entity) : entity;
  return array.kind === "array" ? seen(array as unknown as ArrayEntity) : undefined;
}

const arrayOfVvols = (entity: Entity): Entity =>
  entity.world.entity((entity as unknown as VvolsEntity).config.array);

function seen(array: ArrayEntity): Seen | undefined {
  const vvols = vvolsOf(array);
  if (vvols === undefined) return undefined;
  const { descriptors, configurations, intents } = fileTableOf(array);
  return { array, vvols, descriptors, configurations, intents };
}

type Intent = CowIntent | RestoreIntent;

function* intentsOf({ intents }: Seen): Generator<Intent> {
  for (const intent of intents.values()) {
    if (intent !== undefined) yield intent as unknown as Intent;
  }
}

const NONE: ReadonlySet<string> = new Set<string>([]);

/** Bases under the descriptors that open snapshots swizzle: none of these may be left alone. */
function swizzledBases(at: Seen): ReadonlySet<string> {
  let bases: Set<string> | undefined;
  for (const intent of intentsOf(at)) {
    if (intent.kind !== "cow-snapshot") continue;
    bases ??= new Set();
    for (const names of [intent.from, intent.to]) {
      for (const disk in names) {
        const volume = at.descriptors.get(names[disk]!)?.volume;
        if (volume === undefined) continue;
        bases.add(at.vvols.durable.snapshots[volume]?.base ?? volume);
      }
    }
  }
  return bases ?? NONE;
}

/** What these replace goes descriptor first, then what it held. */
const REPLACING: ReadonlySet<string> = new Set(["copy-hierarchy", "restore", "linked-clone"]);

/** Names of the descriptors of a volume. */
function leadingTo(volume: string, descriptors: Seen["descriptors"]): string[] {
  const names: string[] = [];
  for (const [name, descriptor] of descriptors) if (descriptor?.volume === volume) names.push(name);
  return names;
}

function isCopying(at: Seen): boolean {
  for (const { kind } of intentsOf(at)) if (REPLACING.has(kind)) return true;
  return false;
}

function aliasedBase(all: Seen): Finding | undefined {
  const { vvols, descriptors } = all;
  const { bases } = vvols.durable;
  const swizzled = swizzledBases(all);
  for (const base in bases) {
    const { holders } = bases[base]!;
    const swizzling = swizzled.has(base);
    if (holders.length === 0 && !swizzling) continue;
    const leading = leadingTo(base, descriptors);
    if (leading.length > (swizzling ? 2 : 1)) {
      const names = leading.join(" ");
      return { message: `${leading.length} descriptors lead to live base ${base}: ${names}` };
    }
    if (leading.length > 0 || holders.some((holder) => holder.startsWith("intent:"))) continue;
    if (!isCopying(all)) return { message: `no descriptor leads to live base ${base}` };
  }
  return undefined;
}

function danglingDescriptor(at: Seen): Finding | undefined {
  for (const configuration of at.configurations.values()) {
    if (configuration === undefined) continue;
    const { vm, running, pointsInTime } = configuration;
    const wrong = danglingOf(at, vm, running);
    if (wrong !== undefined) return wrong;
    for (const { disks } of pointsInTime) {
      const older = danglingOf(at, vm, disks);
      if (older !== undefined) return older;
    }
  }
  return undefined;
}

function danglingOf(
  { array, descriptors }: Seen,
  vm: string,
  disks: VmConfiguration["running"],
): Finding | undefined {
  for (const disk in disks) {
    const name = disks[disk]!;
    const descriptor = descriptors.get(name);
    if (descriptor === undefined) return { message: `${vm} refers to ${name}, which is gone` };
    if (descriptor.kind !== "cow") continue;
    const parent = descriptor.parent === null ? null : descriptors.get(descriptor.parent);
    if (parent === undefined || (parent !== null && parent.cid !== descriptor.parentCid)) {
      return { message: `${name} stands on ${descriptor.parent}, which is gone or another` };
    }
    if (!hasVolume(array, descriptor.volume)) {
      return { message: `${name} leads to ${descriptor.volume}, which is gone` };
    }
  }
  return undefined;
}

/** With no intent open, holders are clones and the descriptors that lead to a vvol, one for one. */
function wrongHolders(at: Seen): Finding | undefined {
  if (!intentsOf(at).next().done) return undefined;
  const { vvols, descriptors } = at;
  const { bases, snapshots } = vvols.durable;
  for (const [vvol, { holders }] of [...Object.entries(bases), ...Object.entries(snapshots)]) {
    const leading = leadingTo(vvol, descriptors)
      .map((name) => descriptorHolder(name))
      .sort();
    const others = holders.filter((holder) => !holder.startsWith(cloneHolder("")));
    if (others.sort().join() === leading.join()) continue;
    const fields = { vvol, holders: [...holders], leading };
    return { message: `${vvol} is held by others than lead to it`, fields };
  }
  return undefined;
}

// --- reverts ----------------------------------------------------------------------------------

const beforeName = (vm: string, disk: string): string => `revert:${vm}#${disk}`;

function openedRevert(at: Seen): CowRevertIntent | undefined {
  for (const intent of intentsOf(at)) {
    if (intent.kind === "cow-revert" && intent.stage === "opened") return intent;
  }
  return undefined;
}

/** When a revert begins: what each base holds, and what it is to hold. */
function rememberRevert(at: Seen, world: World): void {
  const intent = openedRevert(at);
  if (intent === undefined) return;
  for (const [disk, name] of Object.entries(intent.running)) {
    const from = volumeContent(at.array, at.descriptors.get(name)!.volume);
    const to = volumeContent(at.array, at.descriptors.get(intent.target[disk]!)!.volume);
    world.shadowContents.put(beforeName(intent.vm, disk), from!.fork());
    world.shadowContents.put(`${beforeName(intent.vm, disk)} target`, to!.fork());
  }
}

function runningDisks({ configurations }: Seen, vm: string): VmConfiguration["running"] {
  for (const each of configurations.values()) if (each?.vm === vm) return each.running;
  return {};
}

function endedRevert(data: PlainObject, world: World): Finding | undefined {
  const { vm, intent, outcome } = data as { vm: string; intent: string; outcome: string };
  if (intent !== "recover-revert" || outcome === "nothing") return undefined;
  for (const array of arraysOf(world)) {
    const at = seen(array);
    const running = at === undefined ? {} : runningDisks(at, vm);
    for (const [disk, name] of Object.entries(running)) {
      const end = outcome === "forward" ? " target" : "";
      const expected = world.shadowContents.get(`${beforeName(vm, disk)}${end}`);
      const found = volumeContent(at!.array, at!.descriptors.get(name)!.volume)!;
      const [wrong] = expected?.diffRanges(found) ?? [];
      if (wrong === undefined) continue;
      const fields = { vm, disk, sector: wrong.sector };
      return { message: `a revert that went ${outcome} left ${disk} torn`, fields };
    }
  }
  return undefined;
}

// --- copies -----------------------------------------------------------------------------------

function wrongCopy(data: PlainObject, world: World): Finding | undefined {
  const { array, pairs } = data as unknown as {
    readonly array: number;
    readonly pairs: readonly (readonly [string, string])[];
  };
  const view = (name: string): SectorContent | undefined => {
    const layers = chainView(world, world.entity(array).name, name);
    return layers === undefined ? undefined : flattened(layers);
  };
  for (const [source, copy] of pairs) {
    const [expected, found] = [view(source), view(copy)];
    // The point was given up meanwhile (the array keeps what the copy shares with it), or the copy.
    if (expected === undefined || found === undefined) continue;
    const [wrong] = expected.diffRanges(found);
    if (wrong === undefined) continue;
    return { message: `${copy} is no copy of ${source}`, fields: { sector: wrong.sector } };
  }
  return undefined;
}

const onDurable = (check: (at: Seen) => Finding | undefined) => ({
  durable: (entity: Entity, data: PlainObject): Finding | undefined => {
    const at = seenAt(entity, data);
    return at === undefined ? undefined : check(at);
  },
});

export const cowInvariants: readonly Invariant[] = [
  always("exactly one descriptor leads to a live base", {
    mechanism: "cow",
    observes: onDurable(aliasedBase),
  }),
  always("no descriptor of a disk leads to nothing", {
    mechanism: "cow",
    observes: onDurable(danglingDescriptor),
  }),
  always("holders of vvols are descriptors and open intents", {
    mechanism: "cow",
    observes: onDurable(wrongHolders),
  }),
  always("a revert ends at the point in time or where it began", {
    mechanism: "cow",
    observes: {
      durable: (entity, data, world) => {
        const label = data["label"] as string;
        const at = label.endsWith(".intent") ? seenAt(entity, data) : undefined;
        if (at !== undefined) rememberRevert(at, world);
      },
      recovery: (_entity, data, world) => endedRevert(data, world),
    },
  }),
  always("a copied hierarchy holds what it is a copy of", {
    mechanism: "cow",
    observes: { "hierarchy-copied": (_entity, data, world) => wrongCopy(data, world) },
  }),
];
