import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArrayBacking } from "../testing/index.ts";
import { hash64 } from "../hash.ts";
import { Memories, type MemoriesImage } from "./memories.ts";

const PAGES = 300;
const NAME = "vm#ram";
const backingOf = (memories: Memories): ArrayBacking => memories.get(NAME)!.backing as ArrayBacking;

function made(): Memories {
  const memories = new Memories();
  memories.makeBacking = ({ pages }) => new ArrayBacking(pages);
  memories.create(NAME, { pages: PAGES });
  return memories;
}

const pokes = fc.array(
  fc.record({
    page: fc.nat(PAGES - 1),
    offset: fc.nat(4_095),
    value: fc.nat(3),
    capture: fc.boolean(),
  }),
  { minLength: 1, maxLength: 60 },
);

describe("memories of real guests", () => {
  it("go back to any image, and over into a fresh world as a difference", () => {
    fc.assert(
      fc.property(pokes, fc.nat(), (script, pick) => {
        const memories = made();
        const saved: { image: MemoriesImage; bytes: Uint8Array; digest: bigint }[] = [];
        for (const { page, offset, value, capture } of script) {
          backingOf(memories).poke(page * 4_096 + offset, value);
          if (!capture) continue;
          const bytes = backingOf(memories).bytes.slice();
          const digest = memories.digest();
          saved.push({ image: memories.capture(), bytes, digest });
        }
        if (saved.length === 0) return;
        const at = pick % saved.length;
        const { image, bytes, digest } = saved[at]!;
        memories.restore(image);
        expect(Buffer.compare(backingOf(memories).bytes, bytes)).toBe(0);
        expect(memories.digest()).toBe(digest);
        const base = saved[(at * 7) % saved.length]!.image;
        const fresh = new Memories();
        fresh.makeBacking = ({ pages }) => new ArrayBacking(pages);
        const delta = structuredClone(memories.encodeDelta(image, base));
        fresh.restore(fresh.applyDelta(base, delta));
        expect(Buffer.compare(backingOf(fresh).bytes, bytes)).toBe(0);
        expect(fresh.digest()).toBe(digest);
      }),
      { numRuns: 60 },
    );
  });

  it("cost what changed, and equal pages once", () => {
    const memories = made();
    for (let page = 0; page < 200; page++) backingOf(memories).poke(page * 4_096, 7);
    const first = memories.capture();
    expect((memories.encodeDelta(first, undefined)["contents"] as Uint8Array).length).toBe(4_096);
    backingOf(memories).poke(5, 9);
    backingOf(memories).poke(4_096, 7);
    const second = memories.capture();
    const delta = memories.encodeDelta(second, first);
    expect((delta["contents"] as Uint8Array).length).toBe(4_096);
  });

  it("keep nothing of what a trace has, and fetch it from there", () => {
    const memories = new Memories();
    memories.makeBacking = ({ pages }) => new ArrayBacking(pages);
    const pages = 5_000;
    memories.create(NAME, { pages });
    const trace = new Map<bigint, Uint8Array>();
    let sent = 0;
    memories.sendPagesTo((hash, bytes) => {
      sent++;
      trace.set(hash, bytes.slice());
    });
    const write = (salt: number): void => {
      for (let page = 0; page < pages; page++) {
        const { bytes } = backingOf(memories);
        bytes[page * 4_096] = salt;
        bytes[page * 4_096 + 1] = page & 255;
        backingOf(memories).poke(page * 4_096 + 2, page >> 8);
      }
    };
    write(1);
    const image = memories.capture();
    const digest = memories.digest();
    write(2);
    memories.capture();
    expect(sent).toBe(2 * pages);
    expect(() => memories.restore(image)).toThrow(/no content with hash/);
    memories.fetchPagesFrom((hash) => trace.get(hash));
    memories.restore(image);
    expect(memories.digest()).toBe(digest);
  });

  it("what lies in files is neither sent nor kept, and found there", () => {
    const memories = made();
    const files = new Map<bigint, Uint8Array>();
    for (let page = 0; page < 20; page++) backingOf(memories).poke(page * 4_096, page + 1);
    const pages = [3, 4, 5].map((page) => {
      const bytes = backingOf(memories).read(page).slice();
      files.set(hash64(bytes), bytes);
      return [page, bytes] as const;
    });
    memories.get(NAME)!.refer(pages);
    const sent: bigint[] = [];
    memories.sendPagesTo((hash) => sent.push(hash));
    const image = memories.capture();
    expect(sent.length).toBe(17);
    expect(sent.some((hash) => files.has(hash))).toBe(false);
    const fresh = made();
    fresh.fetchPagesFrom((hash) => {
      const at = sent.indexOf(hash);
      return at < 0
        ? undefined
        : backingOf(memories)
            .read(at < 3 ? at : at + 3)
            .slice();
    });
    const delta = structuredClone(memories.encodeDelta(image, undefined));
    expect(() => fresh.restore(fresh.applyDelta(undefined, delta))).toThrow(/no content/);
    fresh.pagesOfFiles = (hash) => files.get(hash);
    fresh.restore(fresh.applyDelta(undefined, delta));
    expect(fresh.digest()).toBe(memories.digest());
  });

  it("a damaged difference is refused", () => {
    const memories = made();
    backingOf(memories).poke(1, 1);
    const good = memories.encodeDelta(memories.capture(), undefined) as {
      memories: readonly { pages: Uint8Array; hashes: Uint8Array }[];
    };
    const [only] = good.memories as [{ pages: Uint8Array; hashes: Uint8Array }];
    const damaged = [
      { ...only, pages: new Uint8Array(Uint32Array.of(PAGES).buffer) },
      { ...only, pages: only.pages.slice(1) },
      { ...only, hashes: new Uint8Array(0) },
      { ...only, isNew: false },
      { ...only, name: "vm" },
      { ...only, shape: { pages: -1 } },
    ];
    for (const each of damaged) {
      const delta = { ...good, memories: [each] };
      expect(() => memories.applyDelta(undefined, delta as never)).toThrow();
    }
  });

  it("canary: a backing that forgets to mark a page is caught", () => {
    const memories = made();
    const image = memories.capture();
    backingOf(memories).bytes[77] = 5;
    memories.restore(image);
    expect(backingOf(memories).bytes[77]).toBe(5);
  });
});
