/**
 * Writes to the disks of a VM that runs, beside its guest and where that does not write: data, zeros
 * and discards, one after the other, each answered before the next, none while the VM is stunned.
 * What they leave is told by the writes alone.
 */
import {
  component,
  type ContentRun,
  type Entity,
  fromMs,
  type PlainObject,
  type Reply,
  SectorContent,
  type SectorRange,
  type World,
} from "../../core/kernel/index.ts";
import { type VmEntity, vmOf, vmRecordOf } from "../../core/vmm/index.ts";
import type { Random } from "./random.ts";

/** From 2 MiB on, where the guests of suites do not write; 4 MiB. */
export const REGION: SectorRange = { sector: 4_096, sectors: 8_192 };

/** `disk`: its place among those of the VM. */
export type DiskWrite = SectorRange & {
  readonly disk: number;
  readonly as: "data" | "zeros" | "discard";
  readonly stamp: number;
};

type Config = { readonly instance: number; readonly writes: readonly DiskWrite[] };
type State = { readonly sent: number; readonly answered: number; readonly refused: number };
export type DiskWriter = Entity<Config, PlainObject, State>;

/** Between an answer and the next, and between two looks at a VM that stands still. */
const THINK_NS = 20_000;
const DISKS = 2;

const writer = component<Config, PlainObject, State>({
  kind: "test-disk-writer",
  volatile: () => ({ sent: 0, answered: 0, refused: 0 }),
  handlers: {
    next: (self) => sendNext(self),
    done: (self, reply: Reply) => {
      const state = self.edit();
      state.answered++;
      if (!reply.ok) state.refused++;
      self.after(THINK_NS, "next");
    },
  },
});

function sendNext(self: DiskWriter): void {
  const { instance, writes } = self.config;
  const vm = self.world.entityOrNone(instance) as VmEntity | undefined;
  const { sent } = self.volatile;
  if (vm === undefined || sent === writes.length + DISKS) return;
  if (vm.volatile.stuns > 0) return void self.after(THINK_NS, "next");
  const write = writes[sent];
  const at = write?.disk ?? sent - writes.length;
  self.edit().sent++;
  const body = write === undefined ? { op: "flush" } : requestOf(write);
  self.ask(vm.volatile.disks[at]!, "io", body, { then: "done" });
}

function requestOf(write: DiskWrite) {
  const { sector, sectors, as } = write;
  if (as === "discard") return { op: "discard", sector, sectors };
  return { op: "write", sector, sectors, runs: runsOf(write) };
}

const runsOf = ({ as, sectors, stamp }: DiskWrite): ContentRun[] =>
  as === "data" ? [{ kind: "stamp", sectors, stamp }] : [{ kind: "zero", sectors }];

/** Begins to write, and at the end flushes, on the host that the VM runs on now. */
export function startWrites(world: World, vm: string, writes: readonly DiskWrite[]): DiskWriter {
  const instance = vmOf(vmRecordOf(world, vm))!;
  const made = world.spawn(writer, { instance: instance.id, writes }, { creator: instance });
  made.after(0, "next");
  return made;
}

/** How many of its writes were answered. */
export const answeredOf = ({ config, volatile }: DiskWriter): number =>
  Math.min(volatile.answered, config.writes.length);

/** Lets the world run on until all is written and flushed. */
export function finishWrites(world: World, made: DiskWriter): void {
  const all = made.config.writes.length + DISKS;
  const endNs = world.timeNs + fromMs(1_000);
  while (made.volatile.answered < all && world.timeNs < endNs) {
    world.run({ untilNs: world.timeNs + fromMs(1) });
  }
  const { answered, refused } = made.volatile;
  if (answered < all || refused > 0) {
    throw new Error(`${answered} of ${all} writes answered, ${refused} refused`);
  }
}

/** What disks hold in the region, by place, when nothing wrote there but these. */
export function regionsAfter(writes: readonly DiskWrite[]): readonly SectorContent[] {
  const regions = Array.from({ length: DISKS }, () => new SectorContent(REGION.sectors));
  for (const write of writes)
    regions[write.disk]!.write(write.sector - REGION.sector, runsOf(write));
  return regions;
}

/** What a disk holds in the region. */
export function regionOf(content: SectorContent): SectorContent {
  const region = new SectorContent(REGION.sectors);
  region.write(0, content.read(REGION.sector, REGION.sectors));
  return region;
}

/** Half of them data, the others zeros and discards. */
export function drawWrites(draw: Random, count: number): DiskWrite[] {
  return Array.from({ length: count }, () => {
    const sectors = 1 + draw.below(512);
    const sector = REGION.sector + draw.below(REGION.sectors - sectors);
    const as = draw.pick(["data", "data", "zeros", "discard"] as const);
    return { disk: draw.below(DISKS), sector, sectors, as, stamp: 1_000_000 + draw.below(1e9) };
  });
}

/** Sectors that hold something in one and zeros in the other. */
export function becameZeros(
  before: readonly SectorContent[],
  after: readonly SectorContent[],
): number {
  let sectors = 0;
  before.forEach((each, disk) => {
    for (const range of each.diffRanges(after[disk]!)) {
      for (const run of after[disk]!.read(range.sector, range.sectors)) {
        if (run.kind === "zero") sectors += run.sectors;
      }
    }
  });
  return sectors;
}
