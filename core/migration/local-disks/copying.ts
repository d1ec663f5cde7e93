/**
 * Phases of local disks that move: the mirror, the bulk before the first round of memory, and at the
 * standstill what the two sides still differ in.
 *
 * Must hold: until the machine is given away the disk is the one here, whatever fails there; it is given
 * away when every range was copied or mirrored, and is durable at the destination. What memory of this
 * host holds of it is on its own medium by then as well, so that giving up loses nothing either.
 */
import { type Entity, go, type Step, together, wait } from "../../kernel/index.ts";
import {
  askDevice,
  beginMirror,
  COPY_SECTORS,
  copyRange,
  differingRanges,
  isMirrorWhole,
  mirrorFailure,
  type VirtualDiskEntity,
} from "../../disks/index.ts";
import type { VmEntity } from "../../vmm/index.ts";
import { giveUp, whileHere } from "../giving-up.ts";
import type { MovedDisk, Op } from "../moving.ts";
import { noteFiles } from "../referring.ts";
import { agentOf, ANSWER_NS, type Far } from "../settings.ts";
import { openOf } from "./mirrors.ts";

const POLL_NS = 50_000;
/** A range lasts about so long on the wire. */
const STRETCH_NS = 20_000_000;
const LEAST_SECTORS = 64;
const SECTOR_BYTES = 512;

type Admitted = Far & { readonly media: readonly number[] };

type OnDisks = (
  host: Entity,
  op: Op,
  disks: readonly { readonly open: VirtualDiskEntity; readonly moved: MovedDisk }[],
) => Step;

/** A phase on the open disks, while the other side of each is as it should be. */
const whileMirrored = (phase: OnDisks) =>
  whileHere((host, op) => {
    const disks = (op.state.disks ?? []).map((moved) => ({ moved, open: openOf(host, moved)! }));
    const failed = disks.find(({ open }) => mirrorFailure(open) !== null);
    if (failed === undefined) return phase(host, op, disks);
    return giveUp(host, op, { code: "target-error", detail: mirrorFailure(failed.open) });
  });

export const diskPhases = {
  beginMirrors: whileHere<Admitted>((host, op, run: VmEntity, { media, isFar }) => {
    if (isFar === true) noteFiles(op, { isFar });
    const { vm, to, opening, careless } = op.params;
    const agent = agentOf(host, to).id;
    const state = op.edit();
    state.diskBytes = 0;
    state.disks = opening.local.map(({ disk, sectors }, at) => {
      const entity = run.volatile.disks[opening.order.indexOf(disk)]!;
      const open = host.world.entity(entity) as unknown as VirtualDiskEntity;
      const device = media[at]!;
      const way = { agent, vm, source: op.entity.id, device, timeoutNs: ANSWER_NS };
      const target = beginMirror(open, way, careless?.lock);
      return { disk, entity, target, device, sectors, cursor: 0 };
    });
    return go("awaitMirrors");
  }),

  /** A write that was sent before is on its way to this side alone. */
  awaitMirrors: whileMirrored((host, op, disks) => {
    if (!disks.every(({ open }) => isMirrorWhole(open))) return wait(POLL_NS, "awaitMirrors");
    startBulk(host, op);
    return go("copyDisks");
  }),

  /** A range; the next one leaves when the rate allows it and this one has come. */
  copyDisks: whileMirrored((_host, op, disks) => {
    const at = disks.findIndex(({ moved }) => moved.cursor < moved.sectors);
    if (at < 0) return go("flushBulk");
    const { moved, open } = disks[at]!;
    const { bitsPerSecond } = op.state.round;
    const inTime = Math.floor((bitsPerSecond * (STRETCH_NS / 1e9)) / (8 * SECTOR_BYTES));
    const most = Math.min(COPY_SECTORS, Math.max(LEAST_SECTORS, inTime));
    const sectors = Math.min(most, moved.sectors - moved.cursor);
    const range = { sector: moved.cursor, sectors };
    const state = op.edit();
    state.disks![at]!.cursor += sectors;
    state.round.bytes += sectors * SECTOR_BYTES;
    state.diskBytes! += sectors * SECTOR_BYTES;
    return copyRange(open, range, 2 * ANSWER_NS, "paceDisks", "giveUp");
  }),

  paceDisks(host: Entity, op: Op): Step {
    const { bytes, sinceNs, bitsPerSecond } = op.state.round;
    const dueNs = sinceNs + Math.ceil((bytes * 8e9) / bitsPerSecond);
    return wait(Math.max(0, dueNs - host.simulatedNs), "copyDisks");
  },

  /** Of both sides, so that little is left for the standstill. */
  flushBulk: whileMirrored((_host, op, disks) => flushed(op, disks, "reserved")),

  /** The machine stands still. Where a write failed on this side alone the two differ. */
  settleDisks: whileMirrored((_host, _op, disks) => {
    const copies = disks.flatMap(({ open }) =>
      differingRanges(open).map((range) => copyRange(open, range, ANSWER_NS, "", "giveUp")),
    );
    return together(copies, "flushDisks", "giveUp");
  }),

  flushDisks: whileMirrored((_host, op, disks) => flushed(op, disks, "checkDisks")),

  checkDisks: whileMirrored(() => go("sendRest")),
};

function startBulk(host: Entity, op: Op): void {
  const bitsPerSecond = op.params.settings.maxBitsPerSecond;
  op.edit().round = { sinceNs: host.simulatedNs, bytes: 0, bitsPerSecond };
}

function flushed(
  op: Op,
  disks: readonly { readonly open: VirtualDiskEntity; readonly moved: MovedDisk }[],
  next: string,
): Step {
  if (op.params.careless?.unflushed === true) return go(next);
  const flushes = disks.flatMap(({ moved }) => [
    askDevice(moved.entity, { op: "flush" }, "giveUp"),
    askDevice(moved.target, { op: "flush" }, "giveUp"),
  ]);
  return together(flushes, next, "giveUp");
}
