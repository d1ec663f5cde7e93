/**
 * Who depends on a layer. There is no counter that could be wrong after a crash: the answer is
 * computed from what is durable on the array, that is descriptors (a child stands on its parent),
 * configurations (a VM runs on a descriptor, or keeps it as a point in time) and open intents (an
 * operation that has begun may be about to).
 */
import type { PlainObject } from "../../kernel/index.ts";
import { type ArrayFiles, mentions } from "../chain/array-files.ts";
import { namedDescriptors, volumeOf } from "../chain/descriptor.ts";

/**
 * Names of what would notice if the layer behind `descriptor` changed or went, apart from what is
 * listed in `except` (descriptor names, VMs, names of intent files). Empty: nobody.
 */
export function sharersOf(
  files: ArrayFiles,
  descriptor: string,
  except: readonly string[],
): string[] {
  const children = files.childrenOf(descriptor).filter((name) => !except.includes(name));
  const vms = files
    .configurations()
    .filter(({ vm }) => !except.includes(vm))
    .filter((configuration) =>
      namedDescriptors(configuration).some((leaf) => files.chainOf(leaf).includes(descriptor)),
    )
    .map(({ vm }) => vm);
  const intents = files
    .intents()
    .filter(([name]) => !except.includes(name))
    .filter(([, value]) => mentions(value, descriptor) || keepsPointOn(files, value, descriptor))
    .map(([name]) => name);
  return [...new Set([...children, ...vms, ...intents])].sort();
}

/**
 * Whether a backup has taken its point in time there, which was not known yet when its intent was
 * opened: other points may have been taken in between.
 */
function keepsPointOn(files: ArrayFiles, intent: PlainObject, descriptor: string): boolean {
  const { kind, vm, pointInTime } = intent;
  if (kind !== "backup") return false;
  const configuration = files.configurations().find((each) => each.vm === vm);
  const point = configuration?.pointsInTime.find(({ id }) => id === pointInTime);
  return point !== undefined && Object.values(point.disks).includes(descriptor);
}

/**
 * Whether disks have come to stand on what an operation made: then whoever settled its intent went
 * forward. By now they may stand on it below other layers, or on its volume under another's name.
 */
export function isAdopted(files: ArrayFiles, made: readonly string[]): boolean {
  const leaves = files.configurations().flatMap(namedDescriptors);
  const layers = new Set(leaves.flatMap((leaf) => files.chainOf(leaf)));
  const volumes = new Set([...layers].map((layer) => files.descriptor(layer)?.volume));
  return made.some((name) => layers.has(name) || volumes.has(volumeOf(name)));
}

/** A layer with both of its names: what it takes to remove it. */
export type NamedLayer = { readonly descriptor: string; readonly volume: string };

/** A layer and its volume; null: a copy-on-write one, which goes with its last holder. */
export type HeldLayer = { readonly descriptor: string; readonly volume: string | null };

/**
 * From a descriptor that a VM runs on down: the layers that could go if it ran on it no more, as
 * far as nobody else stands on them and no point in time keeps them.
 */
export function exclusiveLayers(files: ArrayFiles, vm: string, leaf: string): NamedLayer[] {
  const gone: NamedLayer[] = [];
  const kept = files.configurations().flatMap((each) => {
    const points = each.pointsInTime.map(({ disks }) => disks);
    const leaves = each.vm === vm ? points : [each.running, ...points];
    return leaves.flatMap((disks) => Object.values(disks)).flatMap((name) => files.chainOf(name));
  });
  for (const descriptor of files.chainOf(leaf)) {
    const children = files
      .childrenOf(descriptor)
      .filter((child) => !gone.some((each) => each.descriptor === child));
    if (kept.includes(descriptor) || children.length > 0) break;
    gone.push({ descriptor, volume: files.descriptor(descriptor)!.volume });
  }
  return gone;
}

/** The same with a volume of null where the array keeps it for its holders: a copy-on-write one. */
export function replacedLayers(files: ArrayFiles, vm: string, leaf: string): HeldLayer[] {
  return exclusiveLayers(files, vm, leaf).map(({ descriptor, volume }) => {
    const isCow = files.descriptor(descriptor)!.kind === "cow";
    return { descriptor, volume: isCow ? null : volume };
  });
}

/**
 * Why a linked clone is refused whose points in time are of another format than its source: one
 * mechanism takes, reverts to and gives up the points of a VM, by the format of what it runs on.
 */
export const mixedText = (point: string, format: string): string =>
  `${point} is a point in time of another format than ${format}, and a VM keeps its points in time ` +
  "in one: migrate-disk-format first, or give them up";
