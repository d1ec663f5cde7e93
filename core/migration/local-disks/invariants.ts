/** What must hold of local disks that move. */
import {
  always,
  type Entity,
  type Finding,
  type Invariant,
  type World,
} from "../../kernel/index.ts";
import { type VirtualDiskEntity, viewOf } from "../../disks/index.ts";
import { type DiskEntity, diskPlatter } from "../../platform/index.ts";
import type { VmRecord } from "../../vmm/index.ts";
import type { AgentEntity } from "../coming.ts";
import { MIGRATION_NOTICE } from "../settings.ts";

type Given = {
  readonly vm: string;
  readonly event: string;
  readonly disk: string;
  /** The open disk at the source, and the medium at the destination. */
  readonly open: string;
  readonly medium: string;
};

type Faulty = { faulty: { [device: string]: boolean } };

/** First sector in which the guest's view and the durable content of the medium differ. */
function differsAt(world: World, { open, medium }: Given): number | undefined {
  const disk = world.named(open) as unknown as VirtualDiskEntity;
  const { sectors } = disk.config;
  const seen = viewOf(disk, 0, sectors);
  const there = diskPlatter(world.named(medium) as unknown as DiskEntity);
  return seen.diffRanges(there, { span: { sector: 0, sectors } })[0]?.sector;
}

export const localDiskInvariants: readonly Invariant[] = [
  always("a local disk that is given away is durable at its destination as the guest sees it", {
    mechanism: "migration",
    shadow: { faulty: {} },
    observes: {
      // A medium that loses or alters what it was given keeps no promise.
      fault: (entity, _data, _world, editShadow): void => {
        (editShadow() as unknown as Faulty).faulty[entity.name] = true;
      },
      [MIGRATION_NOTICE]: (_entity, data, world, editShadow): Finding | undefined => {
        const given = data as Given;
        if (given.event !== "disk-given") return undefined;
        const { faulty } = editShadow() as unknown as Faulty;
        if (faulty[given.medium] === true) return undefined;
        const sector = differsAt(world, given);
        if (sector === undefined) return undefined;
        const { vm, disk, medium } = given;
        const message = `sector ${sector} of ${vm}/${disk} is not on ${medium} as it was seen`;
        return { message, fields: { vm, disk, medium, sector } };
      },
    },
  }),
  always(
    "a medium holds one local disk, and is not cleared while it does",
    { mechanism: "migration", reads: ["vm-record", "migration-agent"] },
    (entity: Entity, world): Finding | undefined => {
      const own = entity.kind === "vm-record" ? valuesOf(entity) : clearedBy(entity, world);
      if (own.length === 0) return undefined;
      const places = placesOf(world);
      const most = entity.kind === "vm-record" ? 1 : 0;
      const shared = own.find((name) => places.filter((each) => each === name).length > most);
      return shared === undefined ? undefined : { message: `${shared} is used otherwise` };
    },
  ),
];

const valuesOf = (entity: Entity): readonly string[] =>
  Object.values((entity as unknown as VmRecord).durable.places ?? {});

const clearedBy = (entity: Entity, world: World): readonly string[] =>
  Object.entries((entity as unknown as AgentEntity).durable.media ?? {})
    .filter(([, { clearing }]) => clearing === true)
    .map(([device]) => world.entity(Number(device)).name);

function placesOf(world: World): readonly string[] {
  const places: string[] = [];
  for (const entity of world.entities()) {
    if (entity.kind === "vm-record") places.push(...valuesOf(entity));
  }
  return places;
}
