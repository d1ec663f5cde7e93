/**
 * What must hold of virtual disks: a point in time never changes once it is one, and the files and
 * volumes of a VM fit together whenever no operation is at work on them.
 */
import {
  always,
  type Finding,
  hashHex,
  type Invariant,
  sometimes,
  type World,
} from "../../kernel/index.ts";
import { type ArrayEntity, volumeContent } from "../../platform/index.ts";
import { chainView } from "./chain-view.ts";
import { asDescriptor, type PointInTime, type VmConfiguration } from "./descriptor.ts";

type Frozen = { volumes: { [key: string]: string } };

/** Array that holds a file; volumes of a VM lie beside its files. */
function arrayOf(world: World, file: string): ArrayEntity | undefined {
  for (const entity of world.entities()) {
    if (entity.kind !== "array") continue;
    const array = entity as unknown as ArrayEntity;
    if (array.durable.files[`file:${file}`]?.value !== undefined) return array;
  }
  return undefined;
}

/** Volumes under the descriptors of a point in time, with the array they lie on. */
function volumesOf(world: World, point: PointInTime["disks"]): [ArrayEntity, string][] {
  return Object.values(point).flatMap((descriptor) => {
    const array = arrayOf(world, descriptor);
    if (array === undefined) return [];
    const layers = chainView(world, array.name, descriptor) ?? [];
    return layers.map((layer): [ArrayEntity, string] => [array, layer.descriptor.volume]);
  });
}

const digestOf = (array: ArrayEntity, volume: string): string => {
  const content = volumeContent(array, volume);
  return content === undefined ? "gone" : hashHex(content.digest());
};

export const diskInvariants: readonly Invariant[] = [
  always(
    "content of every point in time is immutable",
    {
      mechanism: "snapshot",
      reads: ["array"],
      shadow: { volumes: {} },
      observes: {
        "point-in-time": (_entity, data, world, editShadow) => {
          const { volumes } = editShadow() as unknown as Frozen;
          for (const [array, volume] of volumesOf(world, data["descriptors"] as never)) {
            volumes[`${array.name} ${volume}`] ??= digestOf(array, volume);
          }
        },
      },
    },
    (entity, _world, shadow): Finding | undefined => {
      const array = entity as unknown as ArrayEntity;
      for (const [key, digest] of Object.entries((shadow as unknown as Frozen).volumes)) {
        const [name, volume] = key.split(" ") as [string, string];
        if (name !== array.name || digestOf(array, volume) === digest) continue;
        return { message: `volume ${volume} changed after its point in time`, fields: { volume } };
      }
      return undefined;
    },
  ),
  always("every volume belongs to a chain, every chain is whole", {
    mechanism: "disks",
    observes: {
      "operation-end": (_entity, _data, world) => {
        if (world.activeOperations > 0) return undefined;
        for (const entity of world.entities()) {
          if (entity.kind !== "array") continue;
          const finding = brokenChain(entity as unknown as ArrayEntity, world);
          if (finding) return finding;
        }
        return undefined;
      },
    },
  }),
  sometimes("a write waits for a grain that is being copied", { mechanism: "disks" }),
];

function brokenChain(array: ArrayEntity, world: World): Finding | undefined {
  const files = Object.entries(array.durable.files).filter(([, file]) => file.value !== undefined);
  // A snapshot that a crash cut short is settled when its VM is next powered on.
  if (files.some(([key]) => key.endsWith(".intent"))) return undefined;
  const used = new Set<string>();
  for (const [key, { value }] of files) {
    if (!key.endsWith(".vmx")) continue;
    const { running, pointsInTime } = value as unknown as VmConfiguration;
    for (const descriptors of [running, ...pointsInTime.map((point) => point.disks)]) {
      for (const name of Object.values(descriptors)) {
        const layers = chainView(world, array.name, name);
        if (layers === undefined) return { message: `the chain of ${name} is not whole` };
        for (const layer of layers) used.add(layer.descriptor.volume);
      }
    }
  }
  const descriptors = files.filter(([key]) => key.endsWith(".vmdk"));
  const lost = descriptors.find(([, { value }]) => !used.has(asDescriptor(value as never).volume));
  if (lost) return { message: `descriptor ${lost[0].slice("file:".length)} belongs to no chain` };
  for (const label of Object.keys(array.durable.volumes)) {
    const volume = label.slice("volume:".length);
    if (!used.has(volume)) return { message: `volume ${volume} belongs to no chain` };
  }
  return undefined;
}
