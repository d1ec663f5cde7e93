/**
 * Where a store finds its chunks: a tree of four levels, shared between images.
 *
 * Must hold: a node is changed in place only by the store that owns it, so an image is one pointer
 * to a root that stays as it is. The height is the same for every disk, and a slot whose chunk is
 * one run of stamps or zeros holds that stamp instead of a chunk: equal content, equal tree. The
 * digest of a node is a cache; changing anything below forgets the digests on the way down.
 */
import { hash64 } from "../hash.ts";
import { CHUNK_SECTORS, Chunk, chunkDigest, headLength, wholeChunk, type Owner } from "./chunk.ts";

/** A number: the stamp of the one run that covers the chunk (0: zeros). Undefined: never written. */
export type Slot = Chunk | number | undefined;

const SHIFT = 6;
const FANOUT = 1 << SHIFT;
const MASK = FANOUT - 1;
/** Chunks below a child of the root. */
const ROOT_SHIFT = 3 * SHIFT;
const CHUNKS_PER_ROOT_SLOT = 1 << ROOT_SHIFT;
/** Stands for the digest of what holds nothing, which is then left out of the digest above. */
const NOTHING = 0n;
const WHOLE = 1;
const DIGEST = 2;

export class Leaf {
  readonly owner: Owner;
  /** As many as are in use: most disks of a small world have one or two. */
  readonly slots: Slot[];
  digest: bigint | null = null;

  constructor(owner: Owner, slots: Slot[]) {
    this.owner = owner;
    this.slots = slots;
  }
}

export class Inner {
  readonly owner: Owner;
  readonly children: (Inner | Leaf | undefined)[];
  digest: bigint | null = null;

  constructor(owner: Owner, children: (Inner | Leaf | undefined)[]) {
    this.owner = owner;
    this.children = children;
  }
}

/** A root for a disk of `sectors` sectors. */
export function emptyRoot(owner: Owner, sectors: number): Inner {
  const children = Math.ceil(sectors / CHUNK_SECTORS / CHUNKS_PER_ROOT_SLOT);
  return new Inner(owner, new Array<undefined>(children).fill(undefined));
}

/** `root`, if `owner` may change it, else a copy; with room for `sectors` sectors. */
export function ownRoot(root: Inner, owner: Owner, sectors: number): Inner {
  const owned = root.owner === owner ? root : new Inner(owner, root.children.slice());
  const wanted = Math.ceil(sectors / CHUNK_SECTORS / CHUNKS_PER_ROOT_SLOT);
  while (owned.children.length < wanted) owned.children.push(undefined);
  owned.children.length = wanted;
  return owned;
}

export function findSlot(root: Inner, chunk: number): Slot {
  const high = root.children[Math.floor(chunk / CHUNKS_PER_ROOT_SLOT)] as Inner | undefined;
  const middle = high?.children[(chunk >> (2 * SHIFT)) & MASK] as Inner | undefined;
  const leaf = middle?.children[(chunk >> SHIFT) & MASK] as Leaf | undefined;
  return leaf?.slots[chunk & MASK];
}

/** How many chunks from `chunk` on, 1 or more, are seen at a glance to be never written. */
export function absentChunks(root: Inner, chunk: number): number {
  const high = root.children[Math.floor(chunk / CHUNKS_PER_ROOT_SLOT)] as Inner | undefined;
  if (high === undefined) return toNodeEnd(chunk, ROOT_SHIFT);
  const middle = high.children[(chunk >> (2 * SHIFT)) & MASK] as Inner | undefined;
  if (middle === undefined) return toNodeEnd(chunk, 2 * SHIFT);
  return middle.children[(chunk >> SHIFT) & MASK] === undefined ? toNodeEnd(chunk, SHIFT) : 1;
}

function toNodeEnd(chunk: number, shift: number): number {
  const width = 1 << shift;
  return width - (chunk % width);
}

/** Index of a chunk's slot in its leaf. */
export const slotIndex = (chunk: number): number => chunk & MASK;

/** The leaf of `chunk`, for `owner` to change; `root` must be its own already. */
export function ownLeaf(root: Inner, owner: Owner, chunk: number): Leaf {
  root.digest = null;
  const high = ownInner(root, owner, Math.floor(chunk / CHUNKS_PER_ROOT_SLOT));
  const middle = ownInner(high, owner, (chunk >> (2 * SHIFT)) & MASK);
  const index = (chunk >> SHIFT) & MASK;
  const found = middle.children[index] as Leaf | undefined;
  if (found !== undefined && found.owner === owner) {
    found.digest = null;
    return found;
  }
  const slots = found?.slots.slice() ?? [];
  const leaf = new Leaf(owner, slots);
  middle.children[index] = leaf;
  return leaf;
}

function ownInner(parent: Inner, owner: Owner, index: number): Inner {
  const found = parent.children[index] as Inner | undefined;
  if (found !== undefined && found.owner === owner) {
    found.digest = null;
    return found;
  }
  const children = found?.children.slice() ?? [];
  const inner = new Inner(owner, children);
  parent.children[index] = inner;
  return inner;
}

/** Digest of everything below `node`; what did not change since it was last asked is not redone. */
export function treeDigest(node: Inner | Leaf): bigint {
  if (node.digest !== null) return node.digest;
  const length = node instanceof Leaf ? node.slots.length : node.children.length;
  const bytes = new Uint8Array(12 * length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (let index = 0; index < length; index++) {
    const tagged = node instanceof Leaf ? slotDigest(node.slots[index]) : childDigest(node, index);
    if (tagged === NOTHING) continue;
    const whole = node instanceof Leaf && typeof node.slots[index] === "number";
    view.setUint32(at, index * 4 + (whole ? WHOLE : DIGEST), true);
    view.setBigUint64(at + 4, tagged, true);
    at += 12;
  }
  node.digest = at === 0 ? NOTHING : hash64(bytes.subarray(0, at));
  return node.digest;
}

function childDigest(node: Inner, index: number): bigint {
  const child = node.children[index];
  return child === undefined ? NOTHING : treeDigest(child);
}

/** A whole slot counts as its stamp + 1, so that written zeros differ from nothing. */
function slotDigest(slot: Slot): bigint {
  if (slot === undefined) return NOTHING;
  return typeof slot === "number" ? BigInt(slot) + 1n : chunkDigest(slot);
}

/** The slot as a chunk to look at; never to change. */
export function slotChunk(slot: Slot): Chunk {
  if (slot instanceof Chunk) return slot;
  return slot === undefined ? new Chunk({}) : wholeChunk({}, slot);
}

/** Sectors written in the chunk of this slot. */
export function slotAllocated(slot: Slot): number {
  if (slot === undefined) return 0;
  if (typeof slot === "number") return CHUNK_SECTORS;
  let sectors = 0;
  for (let index = 0; index < slot.count; index++) sectors += headLength(slot.runs[2 * index]!);
  return sectors;
}

type Visit = (chunk: number, a: Slot, b: Slot) => void;

/**
 * Calls `visit` for every chunk from `first` up to `past` whose slots are not the same in both
 * trees, in order. Subtrees that both share are not entered; chunks may still turn out equal.
 */
export function forEachDifference(
  a: Inner,
  b: Inner,
  first: number,
  past: number,
  visit: Visit,
): void {
  if (a === b) return;
  const slots = Math.max(a.children.length, b.children.length);
  descend(a, b, ROOT_SHIFT, 0, slots, first, past, visit);
}

function descend(
  a: Inner | Leaf | undefined,
  b: Inner | Leaf | undefined,
  shift: number,
  origin: number,
  slots: number,
  first: number,
  past: number,
  visit: Visit,
): void {
  const width = 1 << shift;
  const low = Math.max(0, Math.floor((first - origin) / width));
  const high = Math.min(slots, Math.ceil((past - origin) / width));
  for (let index = low; index < high; index++) {
    const start = origin + index * width;
    if (shift === 0) {
      const slotA = (a as Leaf | undefined)?.slots[index];
      const slotB = (b as Leaf | undefined)?.slots[index];
      if (slotA !== slotB) visit(start, slotA, slotB);
    } else {
      const childA = (a as Inner | undefined)?.children[index];
      const childB = (b as Inner | undefined)?.children[index];
      if (childA === childB) continue;
      descend(childA, childB, shift - SHIFT, start, FANOUT, first, past, visit);
    }
  }
}
