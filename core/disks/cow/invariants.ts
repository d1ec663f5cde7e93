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
  cloneHolder,
  hasVolume,
  volumeContent,
  type VvolsEntity,
  vvolsOf,
} from "../../platform/index.ts";
import type { RestoreIntent } from "../backup/restore-intent.ts";
import { chainView, flattened } from "../chain/chain-view.ts";
import { type DiskDescriptor, readDescriptor, type VmConfiguration } from "../chain/descriptor.ts";
import { type CowIntent, type CowRevertIntent, descriptorHolder } from "./cow-intents.ts";

/** What lies on an array now. */
type Seen = {
  readonly array: ArrayEntity;
  readonly vvols: VvolsEntity;
  readonly descriptors: ReadonlyMap<string, DiskDescriptor>;
  readonly configurations: readonly VmConfiguration[];
  readonly intents: readonly (CowIntent | RestoreIntent)[];
};

const RELEVANT = /^(delete )?file |vvol|^(take|prepare) /;

/** By the notice: each invariant sees the same. A pure cache. */
const seenBy = new WeakMap<PlainObject, { readonly seen: Seen | undefined }>();

/** The array that became durable something else than written sectors; else undefined. */
function seenAt(entity: Entity, notice: PlainObject): Seen | undefined {
  if (!RELEVANT.test(notice["label"] as string)) return undefined;
  let known = seenBy.get(notice);
  if (known === undefined) seenBy.set(notice, (known = { seen: seenOf(entity) }));
  return known.seen;
}

function seenOf(entity: Entity): Seen | undefined {
  const array = entity.kind === "vvols" ? arrayOfVvols(entity) : entity;
  return array.kind === "array" ? seen(array as unknown as ArrayEntity) : undefined;
}

const arrayOfVvols = (entity: Entity): Entity =>
  entity.world.entity((entity as unknown as VvolsEntity).config.array);

function seen(array: ArrayEntity): Seen | undefined {
  const vvols = vvolsOf(array);
  if (vvols === undefined) return undefined;
  const descriptors = new Map<string, DiskDescriptor>();
  const configurations: VmConfiguration[] = [];
  const intents: (CowIntent | RestoreIntent)[] = [];
  for (const [key, { value }] of Object.entries(array.durable.files)) {
    if (value === undefined) continue;
    const name = key.slice("file:".length);
    if (name.endsWith(".vmx")) configurations.push(value as unknown as VmConfiguration);
    else if (name.endsWith("intent")) intents.push(value as unknown as CowIntent | RestoreIntent);
    else if (name.endsWith(".vmdk")) {
      const read = readDescriptor(value as PlainObject);
      if (read.ok) descriptors.set(name, read.descriptor);
    }
  }
  return { array, vvols, descriptors, configurations, intents };
}

/** Bases under the descriptors that open snapshots swizzle: none of these may be left alone. */
function swizzledBases({ vvols, descriptors, intents }: Seen): ReadonlySet<string> {
  const names = intents.flatMap((intent) =>
    intent.kind === "cow-snapshot"
      ? [intent.from, intent.to].flatMap((names) => Object.values(names))
      : [],
  );
  const volumes = names.flatMap((name) => descriptors.get(name)?.volume ?? []);
  return new Set(volumes.map((volume) => vvols.durable.snapshots[volume]?.base ?? volume));
}

/** What these replace goes descriptor first, then what it held. */
const REPLACING: ReadonlySet<string> = new Set(["copy-hierarchy", "restore", "linked-clone"]);

function aliasedBase(all: Seen): Finding | undefined {
  const { vvols, descriptors, intents } = all;
  const swizzled = swizzledBases(all);
  const copying = intents.some(({ kind }) => REPLACING.has(kind));
  for (const [base, { holders }] of Object.entries(vvols.durable.bases)) {
    const swizzling = swizzled.has(base);
    if (holders.length === 0 && !swizzling) continue;
    const leading = [...descriptors].filter(([, { volume }]) => volume === base);
    const names = leading.map(([name]) => name).join(" ");
    if (leading.length > (swizzling ? 2 : 1)) {
      return { message: `${leading.length} descriptors lead to live base ${base}: ${names}` };
    }
    const isMade = copying || holders.some((holder) => holder.startsWith("intent:"));
    if (leading.length === 0 && !isMade) {
      return { message: `no descriptor leads to live base ${base}` };
    }
  }
  return undefined;
}

function danglingDescriptor({ array, descriptors, configurations }: Seen): Finding | undefined {
  for (const { vm, running, pointsInTime } of configurations) {
    for (const disks of [running, ...pointsInTime.map((point) => point.disks)]) {
      for (const name of Object.values(disks)) {
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
    }
  }
  return undefined;
}

/** With no intent open, holders are clones and the descriptors that lead to a vvol, one for one. */
function wrongHolders({ vvols, descriptors, intents }: Seen): Finding | undefined {
  if (intents.length > 0) return undefined;
  const { bases, snapshots } = vvols.durable;
  for (const [vvol, { holders }] of [...Object.entries(bases), ...Object.entries(snapshots)]) {
    const leading = [...descriptors]
      .filter(([, { volume }]) => volume === vvol)
      .map(([name]) => descriptorHolder(name))
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

const openedRevert = (at: Seen): CowRevertIntent | undefined =>
  at.intents.find((each) => each.kind === "cow-revert" && each.stage === "opened") as never;

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

function endedRevert(data: PlainObject, world: World): Finding | undefined {
  const { vm, intent, outcome } = data as { vm: string; intent: string; outcome: string };
  if (intent !== "recover-revert" || outcome === "nothing") return undefined;
  for (const entity of world.entities()) {
    if (entity.kind !== "array") continue;
    const at = seen(entity as unknown as ArrayEntity);
    const running = at?.configurations.find((each) => each.vm === vm)?.running ?? {};
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
    const found = view(copy);
    const [wrong] = found === undefined ? [{ sector: 0 }] : view(source)!.diffRanges(found);
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
