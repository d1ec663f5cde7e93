/**
 * What deleting a point in time means on the array: for each disk which layer goes into which, and
 * whether anybody else would notice.
 */
import type { ArrayFiles } from "../chain/array-files.ts";
import { configurationFile, type VmConfiguration } from "../chain/descriptor.ts";
import { sharersOf } from "../clone/sharers.ts";
import type { LayerMerge } from "./intent.ts";

/** In place of a point in time: layers that none is kept on. */
export const UNLISTED = "";

export type Plan =
  | { readonly ok: true; readonly merges: { readonly [disk: string]: LayerMerge } }
  | { readonly ok: false; readonly code: string; readonly detail: readonly string[] | string };

/**
 * `except`: intent files that are this operation's own. `branches`: what stands on the layer may lie
 * off the running chain.
 */
export function planMerges(
  files: ArrayFiles,
  vm: string,
  pointInTime: string,
  except: readonly string[],
  branches = false,
): Plan {
  const file = files.get(configurationFile(vm));
  const configuration = file?.value as VmConfiguration | undefined;
  const point = configuration?.pointsInTime.find(({ id }) => id === pointInTime)?.disks;
  const targets =
    configuration !== undefined && pointInTime === UNLISTED
      ? unlistedLayers(files, configuration)
      : point;
  if (configuration === undefined || targets === undefined || Object.keys(targets).length === 0) {
    return { ok: false, code: "no-point-in-time", detail: pointInTime };
  }
  const merges: { [disk: string]: LayerMerge } = {};
  for (const [disk, target] of Object.entries(targets)) {
    const running = files.chainOf(configuration.running[disk] ?? "");
    const children = files.childrenOf(target);
    const only = branches && children.length === 1 ? children[0]! : null;
    const child = children.find((name) => running.includes(name)) ?? only;
    if (child === null && children.length > 0) {
      return { ok: false, code: "target-shared", detail: children };
    }
    if (running[0] === target) return { ok: false, code: "target-is-running", detail: target };
    const kinds = [target, child].map((name) => name && files.descriptor(name)?.kind);
    if (kinds.includes("cow")) return { ok: false, code: "not-a-redo-chain", detail: target };
    const own = [vm, ...except];
    const sharers = sharersOf(files, target, child === null ? own : [child, ...own]);
    if (child !== null) {
      sharers.push(...sharersOf(files, child, [...own, ...files.childrenOf(child)]));
    }
    const others = pointsOn(configuration, disk, target, pointInTime);
    if (sharers.length + others.length > 0) {
      return { ok: false, code: "target-shared", detail: [...sharers, ...others] };
    }
    merges[disk] = {
      target,
      targetVolume: files.descriptor(target)!.volume,
      child,
      childVolume: child === null ? null : files.descriptor(child)!.volume,
    };
  }
  return { ok: true, merges };
}

/**
 * For each disk the lowest layer below the running one that is no point in time: what a merge that
 * was given up left behind, and disks that have none are left out.
 */
export function unlistedLayers(
  files: ArrayFiles,
  { running, pointsInTime }: VmConfiguration,
): { readonly [disk: string]: string } {
  const listed = pointsInTime.flatMap(({ disks }) => Object.values(disks));
  const layers: { [disk: string]: string } = {};
  for (const [disk, leaf] of Object.entries(running)) {
    const below = files.chainOf(leaf).slice(1).reverse();
    const found = below.find(
      (name) => !listed.includes(name) && files.childrenOf(name).length === 1,
    );
    if (found !== undefined) layers[disk] = found;
  }
  return layers;
}

/** Whether one of the layers that a plan names is part of what a VM runs on. */
export function touchesRunning(
  files: ArrayFiles,
  { running }: VmConfiguration,
  merges: { readonly [disk: string]: LayerMerge },
): boolean {
  return Object.entries(merges).some(([disk, { target, child }]) => {
    const chain = files.chainOf(running[disk] ?? "");
    return chain.includes(target) || (child !== null && chain.includes(child));
  });
}

/** Other points in time of the same VM that are kept on this very descriptor. */
function pointsOn(
  { pointsInTime }: VmConfiguration,
  disk: string,
  descriptor: string,
  except: string,
): string[] {
  return pointsInTime
    .filter(({ id, disks }) => id !== except && disks[disk] === descriptor)
    .map(({ id }) => id);
}

/** The configuration without the point in time. */
export function withoutPoint(configuration: VmConfiguration, id: string): VmConfiguration {
  const pointsInTime = configuration.pointsInTime.filter((point) => point.id !== id);
  return { ...configuration, pointsInTime };
}
