// The virtio block device (virtio 1.2, 5.2). Data is copied out of RAM when the driver notifies and into it when the host
// has answered; what the driver writes into a request meanwhile has no effect.

import { assert, type ContentRun, expandRuns, SECTOR_BYTES } from "../../../../kernel/index.ts";
import type { BlockRequest } from "../../../../platform/index.ts";
import type { Behaviour, VirtioDevice } from "./device.ts";
import { lengthOf } from "./guest-memory.ts";
import type { Chain } from "./queue.ts";
import type { Segment } from "./state.ts";

const FEATURE_SEGMENTS = 1n << 2n;
const FEATURE_BLOCK_SIZE = 1n << 6n;
const FEATURE_FLUSH = 1n << 9n;
const FEATURE_DISCARD = 1n << 13n;
const FEATURE_WRITE_ZEROES = 1n << 14n;

const HEADER_BYTES = 16;
const ID_BYTES = 20;
const RANGE_BYTES = 16;
const CONFIGURATION_BYTES = 60;
const MOST_SEGMENTS = 126;
/** Largest discard, in sectors. */
const MOST_DISCARDED = 1 << 22;

const KIND = { read: 0, write: 1, flush: 4, id: 8, discard: 11, zeroes: 13 } as const;
const STATUS_OK = 0;
const STATUS_ERROR = 1;
const STATUS_UNSUPPORTED = 2;

const sectorsOf = ({ around, state }: VirtioDevice): number =>
  state.sectors ?? around.config.disks.find(({ id }) => id === state.id)!.sectors;

/** The status byte is the last one that can be written; the rest is for data. */
function splitStatus(writable: readonly Segment[]): {
  readonly data: Segment[];
  readonly status: number;
} | null {
  const filled = writable.filter(({ bytes }) => bytes > 0);
  const last = filled.pop();
  if (last === undefined) return null;
  const status = last.offset + last.bytes - 1;
  const rest = { offset: last.offset, bytes: last.bytes - 1 };
  return { data: rest.bytes > 0 ? [...filled, rest] : filled, status };
}

function transfer(
  op: "read" | "write",
  sector: number,
  bytes: Uint8Array | number,
): BlockRequest | null {
  const length = typeof bytes === "number" ? bytes : bytes.length;
  if (length === 0 || length % SECTOR_BYTES !== 0) return null;
  const sectors = length / SECTOR_BYTES;
  if (op === "read") return { op, sector, sectors };
  assert(typeof bytes !== "number", "a write has bytes");
  return { op: "write", sector, sectors, runs: [{ kind: "bytes", sectors, bytes }] };
}

function discard(data: Uint8Array): BlockRequest | null {
  if (data.length !== RANGE_BYTES) return null;
  const view = new DataView(data.buffer, data.byteOffset, RANGE_BYTES);
  const sectors = view.getUint32(8, true);
  if (sectors === 0 || sectors > MOST_DISCARDED) return null;
  return { op: "discard", sector: Number(view.getBigUint64(0, true)), sectors };
}

/** What the driver asks of the disk; null: nothing a disk can do, "unsupported": no such kind. */
function requestOf(bytes: Uint8Array, writableBytes: number): BlockRequest | "unsupported" | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const sector = Number(view.getBigUint64(8, true));
  const data = bytes.subarray(HEADER_BYTES);
  switch (view.getUint32(0, true)) {
    case KIND.read:
      return transfer("read", sector, writableBytes);
    case KIND.write:
      return transfer("write", sector, data);
    case KIND.flush:
      return { op: "flush" };
    case KIND.discard:
    case KIND.zeroes:
      return discard(data);
    default:
      return "unsupported";
  }
}

const inRange = (request: BlockRequest, sectors: number): boolean =>
  request.op === "flush" || request.sector + request.sectors <= sectors;

function answerNow(device: VirtioDevice, head: number, status: number, code: number): void {
  device.memory.write(status, Uint8Array.of(code));
  device.giveBack(0, head, 1);
}

/** Identity strings are 20 bytes, without NUL when they fill them. */
function answerId(device: VirtioDevice, chain: Chain, data: readonly Segment[], status: number) {
  const text = new TextEncoder().encode(device.state.id);
  const bytes = new Uint8Array(ID_BYTES);
  bytes.set(text.subarray(0, ID_BYTES));
  const written = device.memory.scatter(data, bytes);
  device.memory.write(status, Uint8Array.of(STATUS_OK));
  device.giveBack(0, chain.head, written + 1);
}

function begin(device: VirtioDevice, chain: Chain): void {
  const split = splitStatus(chain.writable);
  if (split === null || lengthOf(chain.readable) < HEADER_BYTES) return device.breakDown();
  const { data, status } = split;
  const bytes = device.memory.gather(chain.readable);
  if (new DataView(bytes.buffer).getUint32(0, true) === KIND.id)
    return answerId(device, chain, data, status);
  const io = requestOf(bytes, lengthOf(data));
  if (io === "unsupported") return answerNow(device, chain.head, status, STATUS_UNSUPPORTED);
  if (io === null || !inRange(io, sectorsOf(device)))
    return answerNow(device, chain.head, status, STATUS_ERROR);
  const writable = io.op === "read" ? data : [];
  const request = device.ask({ queue: 0, head: chain.head, writable, status });
  device.around.emit({ kind: "block", disk: device.state.id, request, io });
}

export const block: Behaviour = {
  deviceId: 2,
  features:
    FEATURE_SEGMENTS | FEATURE_BLOCK_SIZE | FEATURE_FLUSH | FEATURE_DISCARD | FEATURE_WRITE_ZEROES,

  configuration(device) {
    const bytes = new Uint8Array(CONFIGURATION_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(sectorsOf(device)), true);
    view.setUint32(12, MOST_SEGMENTS, true);
    view.setUint32(20, SECTOR_BYTES, true);
    view.setUint32(36, MOST_DISCARDED, true);
    view.setUint32(40, 1, true);
    view.setUint32(44, 1, true);
    view.setUint32(48, MOST_DISCARDED, true);
    view.setUint32(52, 1, true);
    view.setUint8(56, 1);
    return bytes;
  },

  notified(device) {
    for (let chain = device.take(0); chain !== null; chain = device.take(0)) begin(device, chain);
  },
};

/** The host has answered. An answer to a request that a reset forgot is ignored. */
export function finishBlock(
  device: VirtioDevice,
  request: number,
  ok: boolean,
  runs: readonly ContentRun[],
): void {
  const pending = device.answered(request);
  if (pending === null) return;
  assert(pending.status !== null, "a block request has a status byte");
  let written = 0;
  const room = lengthOf(pending.writable);
  if (ok && room > 0) {
    const bytes = new Uint8Array(room);
    expandRuns(runs, bytes);
    written = device.memory.scatter(pending.writable, bytes);
  }
  device.memory.write(pending.status, Uint8Array.of(ok ? STATUS_OK : STATUS_ERROR));
  device.giveBack(pending.queue, pending.head, written + 1);
}

/** The disk has another capacity now. */
export function resizeBlock(device: VirtioDevice, sectors: number): void {
  assert(Number.isSafeInteger(sectors) && sectors > 0, "a number of sectors");
  if (sectors === sectorsOf(device)) return;
  device.state.sectors = sectors;
  device.configurationChanged();
}
