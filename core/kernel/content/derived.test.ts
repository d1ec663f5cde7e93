/** What caches over contents say is what doing it again would say, whatever was written meanwhile. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_SECTORS } from "./chunk.ts";
import { DerivedContents, LikeContents } from "./derived.ts";
import { SectorContent, type SectorImage } from "./sector-content.ts";

const SECTORS = 2 * CHUNK_SECTORS;
const BYTES = new Uint8Array(512).fill(7, 0, 100);

/** Every way in which a content can change. */
const CHANGES: readonly ((content: SectorContent, at: number, image: SectorImage) => void)[] = [
  (content, at) => content.writeStamps(at, 3, at + 1),
  (content, at) => content.writeZeros(at, 2),
  (content, at) => content.writeBytes(at, BYTES),
  (content, at) => content.discard(at, 4),
  (content) => content.writeStamps(0, CHUNK_SECTORS, 9),
  (content, _at, image) => content.restore(image),
  (content, at) => (content.resize(SECTORS - at), content.resize(SECTORS)),
];

const arbitraryChange = fc.record({
  of: fc.nat(1),
  change: fc.nat(CHANGES.length - 1),
  at: fc.nat(20),
});

/** The first with what is written of the second over it. */
function overlaid(below: SectorContent, above: SectorContent): SectorContent {
  const whole = below.fork();
  for (const { sector, sectors } of above.allocatedRuns()) {
    whole.write(sector, above.read(sector, sectors));
  }
  return whole;
}

/** Whether caches agree with what they are caches of, after each of the changes. */
function agrees(changes: readonly { of: number; change: number; at: number }[]): boolean {
  const parts = [new SectorContent(SECTORS), new SectorContent(SECTORS)] as const;
  const images = parts.map((part) => part.capture());
  const [derived, like] = [new DerivedContents(), new LikeContents()];
  return changes.every(({ of, change, at }) => {
    CHANGES[change]!(parts[of]!, at, images[of]!);
    const again = overlaid(...parts);
    const kept = derived.of(parts, () => overlaid(...parts));
    const [first] = parts[0].diffRanges(parts[1]);
    const isSame = like.difference(...parts) === first?.sector;
    return isSame && kept.digest() === again.digest() && derived.of(parts, fail) === kept;
  });
}

function fail(): never {
  throw new Error("made again, although nothing changed");
}

describe("caches over contents", () => {
  test("say what doing it again would", () => {
    fc.assert(fc.property(fc.array(arbitraryChange, { maxLength: 30 }), agrees));
  });

  test("notice a content that was changed under them", () => {
    const part = new SectorContent(SECTORS);
    const derived = new DerivedContents();
    const first = derived.of([part], () => part.fork());
    first.writeZeros(0, 1);
    expect(derived.of([part], () => part.fork())).not.toBe(first);
  });

  test("the canary: a version that stood still would hide a difference", () => {
    const [a, b] = [new SectorContent(SECTORS), new SectorContent(SECTORS)];
    const like = new LikeContents();
    expect(like.difference(a, b)).toBeUndefined();
    const { version } = a;
    a.writeStamps(5, 1, 5);
    expect(like.difference(a, b)).toBe(5);
    a.version = version;
    expect(like.difference(a, b)).toBeUndefined();
  });
});
