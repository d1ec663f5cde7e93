/**
 * A snapshot of several disks is atomic: when it is taken, each disk's point in time holds what its
 * running disk holds. The guest stands still then, so a disk that was frozen at another moment than
 * the others lacks a write, or has one too many.
 */
import {
  always,
  type Editable,
  type Entity,
  type Finding,
  type Invariant,
  type PlainObject,
  type World,
} from "../../kernel/index.ts";
import { arrayWithFile, flattenedView } from "./chain-view.ts";
import { configurationFile } from "./descriptor.ts";
import { runningView } from "./running-view.ts";

interface Taken {
  readonly vm: string;
  readonly id: string;
  readonly descriptors: { readonly [disk: string]: string };
  /** Of the running disks, now; not a copy of an older history. */
  readonly taken?: true;
}

function onPoint(
  _entity: Entity,
  data: PlainObject,
  world: World,
  editShadow: () => Editable<PlainObject>,
): Finding | undefined {
  const { vm, id, descriptors, taken } = data as unknown as Taken;
  const { seen } = editShadow() as unknown as { seen: { [point: string]: true } };
  const point = `${vm}@${id}`;
  // A recovery tells again what was told, perhaps after the guest went on.
  if (taken === undefined || seen[point] !== undefined) return undefined;
  seen[point] = true;
  const array = arrayWithFile(world, configurationFile(vm))?.name;
  if (array === undefined) return undefined;
  for (const [disk, descriptor] of Object.entries(descriptors)) {
    const frozen = flattenedView(world, array, descriptor);
    const running = runningView(world, array, vm, disk);
    if (frozen === undefined || running === undefined) continue;
    const [wrong] = frozen.diffRanges(running);
    if (wrong === undefined) continue;
    return {
      message: `${point} has ${disk} of another moment, at sector ${wrong.sector}`,
      fields: { vm, pointInTime: id, disk, sector: wrong.sector },
    };
  }
  return undefined;
}

export const atomicInvariant: Invariant = always("a snapshot of several disks is atomic", {
  mechanism: "snapshot",
  shadow: { seen: {} },
  observes: { "point-in-time": onPoint },
});
