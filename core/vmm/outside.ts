/**
 * What the world outside knows of a modelled guest at one moment, as plain data: its journal, and the
 * content of its disks that it was promised. It is not the machine's, yet a machine that goes on from
 * that moment goes on with it.
 */
import type { ContentRun, Entity, SectorContent } from "../kernel/index.ts";
import type { GuestJournal, GuestSpec } from "../guest/index.ts";
import { settledLabel } from "./boundary.ts";
import type { VmRecord } from "./vm-record.ts";

export type Outside = {
  readonly journal: GuestJournal;
  /** By disk: acknowledged content, as the guest remembers it. */
  readonly settled: readonly Settled[];
};

type Settled = {
  /** Size of the disk: it may have grown. */
  readonly sectors: number;
  readonly parts: readonly { readonly sector: number; readonly runs: readonly ContentRun[] }[];
};

/** By reference: to be cloned before anything goes on. */
export function outsideOf(record: VmRecord): Outside {
  const settled = record.config.spec.disks.map(({ sectors }, disk) =>
    asPlain(record.content(settledLabel(disk), sectors)),
  );
  return { journal: record.durable.journal, settled };
}

const asPlain = (content: SectorContent): Settled => ({
  sectors: content.sectors,
  parts: content.allocatedRuns().map(({ sector, sectors }) => ({
    sector,
    runs: content.read(sector, sectors),
  })),
});

/** Into the contents of whoever keeps them: the record, or a copy of the guest elsewhere. */
export function bringBackSettled(
  keeper: Pick<Entity, "content">,
  { disks }: GuestSpec,
  { settled }: Outside,
): void {
  settled.forEach(({ sectors, parts }, disk) => {
    const content = keeper.content(settledLabel(disk), disks[disk]!.sectors);
    content.discard(0, content.sectors);
    if (sectors > content.sectors) content.resize(sectors);
    for (const { sector, runs } of parts) content.write(sector, runs);
  });
}
