/** The store against a plain map of sectors, and its canonicality. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHUNK_SECTORS } from "./chunk.ts";
import { SECTOR_BYTES, type ContentRun } from "./content-run.ts";
import { expandRuns, expandSectors } from "./expand-sectors.ts";
import { expandStamp, viewOf } from "./expansion.ts";
import { SectorContent, type SectorImage } from "./sector-content.ts";

/** A disk whose few interesting places lie around chunk borders, one of them far out. */
const SECTORS = 2 ** 34 + 100;
const ORIGINS = [0, CHUNK_SECTORS - 12, 2 * CHUNK_SECTORS - 5, 2 ** 34 - 12];
const WINDOW = 24;

type Model = Map<number, string>;

/** A literal sector: told apart by its first byte, neither zeros nor an expansion. */
const literal = (byte: number): Uint8Array => new Uint8Array(SECTOR_BYTES).fill(byte, 0, 300);

const runOf = (kind: string, sectors: number, seed: number): ContentRun => {
  if (kind === "zero") return { kind, sectors };
  if (kind === "stamp") return { kind, sectors, stamp: seed };
  const bytes = new Uint8Array(sectors * SECTOR_BYTES);
  for (let index = 0; index < sectors; index++) {
    const at = index * SECTOR_BYTES;
    // Now and then bytes that must be recognised as zeros or as a stamp.
    if (kind === "mixed" && index % 3 === 1) expandStamp(seed + index, viewOf(bytes), at);
    else if (kind !== "mixed" || index % 3 !== 2) bytes.set(literal(1 + (seed % 3)), at);
  }
  return { kind: "bytes", sectors, bytes };
};

const arbitraryRun = fc
  .tuple(
    fc.constantFrom("zero", "stamp", "bytes", "mixed"),
    fc.nat(9),
    fc.integer({ min: 1, max: 9 }),
  )
  .map(([kind, sectors, seed]) => runOf(kind, sectors + 1, seed));
const arbitraryPlace = fc
  .tuple(fc.constantFrom(...ORIGINS), fc.nat(WINDOW - 1))
  .map(([origin, offset]) => origin + offset);

type Step =
  | { readonly do: "write"; readonly at: number; readonly runs: readonly ContentRun[] }
  | { readonly do: "discard"; readonly at: number; readonly sectors: number }
  | { readonly do: "chunk"; readonly stamp: number }
  | { readonly do: "capture" | "restore" | "fork" };

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      at: arbitraryPlace,
      runs: fc.array(arbitraryRun, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("discard" as const),
      at: arbitraryPlace,
      sectors: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("chunk" as const), stamp: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("capture" as const, "restore" as const, "fork" as const),
    }),
  },
);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const ZEROS = hex(new Uint8Array(SECTOR_BYTES));

function modelWrite(model: Model, at: number, runs: readonly ContentRun[]): void {
  let sector = at;
  for (const run of runs) {
    const bytes = new Uint8Array(run.sectors * SECTOR_BYTES);
    expandRuns([run], bytes);
    for (let index = 0; index < run.sectors; index++, sector++) {
      model.set(sector, hex(bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES)));
    }
  }
}

interface World {
  store: SectorContent;
  model: Model;
  image: SectorImage;
  imageModel: Model;
  /** Forks set aside: they must stay as they were. */
  readonly aside: { readonly store: SectorContent; readonly model: Model }[];
}

function take(world: World, step: Step): void {
  const { store, model } = world;
  if (step.do === "write") {
    store.write(step.at, step.runs);
    modelWrite(model, step.at, step.runs);
  } else if (step.do === "discard") {
    store.discard(step.at, step.sectors);
    for (let index = 0; index < step.sectors; index++) model.delete(step.at + index);
  } else if (step.do === "chunk") {
    const run = runOf(step.stamp === 0 ? "zero" : "stamp", CHUNK_SECTORS, step.stamp);
    store.write(CHUNK_SECTORS, [run]);
    modelWrite(model, CHUNK_SECTORS, [run]);
  } else if (step.do === "capture") {
    world.image = store.capture();
    world.imageModel = new Map(model);
  } else if (step.do === "restore") {
    store.restore(world.image);
    world.model = new Map(world.imageModel);
  } else {
    world.aside.push({ store, model });
    world.store = store.fork();
    world.model = new Map(model);
  }
}

function agrees(store: SectorContent, model: Model): boolean {
  const written = store.allocatedRuns();
  let count = 0;
  for (const range of written) {
    count += range.sectors;
    for (let index = 0; index < range.sectors; index++) {
      if (!model.has(range.sector + index)) return false;
    }
  }
  if (count !== model.size || store.allocatedSectors !== count) return false;
  return ORIGINS.every((origin) => {
    const sectors = Math.min(3 * WINDOW, SECTORS - origin);
    const bytes = new Uint8Array(sectors * SECTOR_BYTES);
    expandSectors(store, origin, sectors, bytes);
    for (let index = 0; index < sectors; index++) {
      const found = hex(bytes.subarray(index * SECTOR_BYTES, (index + 1) * SECTOR_BYTES));
      if (found !== (model.get(origin + index) ?? ZEROS)) return false;
    }
    return true;
  });
}

const modelLaw = (make: (sectors: number) => SectorContent) =>
  fc.property(fc.array(arbitraryStep, { maxLength: 25 }), (steps) => {
    const store = make(SECTORS);
    const world: World = {
      store,
      model: new Map(),
      image: store.capture(),
      imageModel: new Map(),
      aside: [],
    };
    for (const step of steps) take(world, step);
    world.aside.push(world);
    return world.aside.every(({ store: aside, model }) => agrees(aside, model));
  });

/** The canonical form, written out: what two stores of equal content must agree on. */
const formOf = (store: SectorContent): unknown => [
  store.encodeDelta(store.capture(), undefined),
  store.allocatedRuns(),
  ...ORIGINS.map((origin) => store.read(origin, WINDOW)),
];

/** Writes what `store` holds into a new store, sector by sector, in the order of `weights`. */
function rewrite(
  store: SectorContent,
  weights: readonly number[],
  make: (sectors: number) => SectorContent,
): SectorContent {
  const copy = make(store.sectors);
  const sectors = store.allocatedRuns().flatMap((range) => {
    const whole = range.sectors > 200 ? [[range.sector, range.sectors] as const] : [];
    if (whole.length > 0) return whole;
    return Array.from({ length: range.sectors }, (_, index) => [range.sector + index, 1] as const);
  });
  const order = sectors.map(
    (_, index) => ((weights[index % weights.length] ?? 0) + index * 7919) % 1009,
  );
  const indexes = sectors.map((_, index) => index).sort((a, b) => order[a]! - order[b]!);
  for (const index of indexes) {
    const [sector, length] = sectors[index]!;
    copy.write(sector, [{ kind: "stamp", sectors: length, stamp: 77 }]); // then overwritten
    copy.write(sector, store.read(sector, length));
  }
  return copy;
}

const canonicalLaw = (make: (sectors: number) => SectorContent) =>
  fc.property(
    fc.array(arbitraryStep, { maxLength: 15 }),
    fc.array(fc.nat(1008), { minLength: 1, maxLength: 60 }),
    (steps, weights) => {
      const store = make(SECTORS);
      const image = store.capture();
      const world: World = { store, model: new Map(), image, imageModel: new Map(), aside: [] };
      for (const step of steps) take(world, step);
      const copy = rewrite(world.store, weights, make);
      expect(formOf(copy)).toEqual(formOf(world.store));
      return (
        copy.digest() === world.store.digest() &&
        copy.equals(world.store, { allocation: true }) &&
        copy.allocatedSectors === world.store.allocatedSectors
      );
    },
  );

/** Planted bug: neighbours of stamps are joined whether or not they go on. */
class BadMerge extends SectorContent {
  override writeStamps(sector: number, sectors: number, stamp: number): void {
    const before = sector > 0 ? this.read(sector - 1, 1)[0] : undefined;
    super.writeStamps(sector, sectors, before?.kind === "stamp" ? before.stamp + 1 : stamp);
  }
}

/** Planted bug: the digest tells how the content came about. */
class BadDigest extends SectorContent {
  #writes = 0;
  override write(sector: number, runs: readonly ContentRun[]): void {
    this.#writes++;
    super.write(sector, runs);
  }
  override digest(): bigint {
    return super.digest() + BigInt(this.#writes >> 3);
  }
}

describe("sector content", () => {
  const make = (sectors: number): SectorContent => new SectorContent(sectors);
  test("does what a plain map of sectors does, forks and images included", () => {
    fc.assert(modelLaw(make), { numRuns: 150 });
  });
  test("equal content has one form and one digest, in whatever order and pieces", () => {
    fc.assert(canonicalLaw(make), { numRuns: 80 });
  });
  test("canary: joining runs that do not go on is caught", () => {
    expect(fc.check(modelLaw((sectors) => new BadMerge(sectors))).failed).toBe(true);
  });
  test("canary: a digest of the history is caught", () => {
    const outcome = fc.check(canonicalLaw((sectors) => new BadDigest(sectors)));
    expect(outcome.failed).toBe(true);
  });

  test("digests are equal exactly where content is: all disks of 3 sectors and 5 contents", () => {
    const contents: readonly (ContentRun | undefined)[] = [
      undefined,
      { kind: "zero", sectors: 1 },
      { kind: "stamp", sectors: 1, stamp: 1 },
      { kind: "stamp", sectors: 1, stamp: 2 },
      { kind: "bytes", sectors: 1, bytes: literal(1) },
    ];
    const digests = new Set<bigint>();
    for (let code = 0; code < 125; code++) {
      const store = new SectorContent(SECTORS);
      [code % 5, Math.floor(code / 5) % 5, Math.floor(code / 25)].forEach((choice, index) => {
        const run = contents[choice];
        if (run !== undefined) store.write(CHUNK_SECTORS - 2 + index, [run]);
      });
      digests.add(store.digest());
    }
    expect(digests.size).toBe(125);
    expect(new SectorContent(SECTORS - 1).digest()).not.toBe(new SectorContent(SECTORS).digest());
  });

  test("a whole disk of 1 TiB is one run", () => {
    const store = new SectorContent(2 ** 31);
    store.writeStamps(5, 2 ** 31 - 5, 1000);
    expect(store.read(0, 2 ** 31)).toEqual([
      { kind: "zero", sectors: 5 },
      { kind: "stamp", sectors: 2 ** 31 - 5, stamp: 1000 },
    ]);
    expect(store.allocatedRuns()).toEqual([{ sector: 5, sectors: 2 ** 31 - 5 }]);
  });

  test("resizing keeps what is within and forgets what is not", () => {
    const store = new SectorContent(100);
    store.writeStamps(90, 10, 1);
    store.resize(2 ** 35);
    store.writeStamps(2 ** 35 - 1, 1, 500);
    expect(store.read(2 ** 35 - 1, 1)).toEqual([{ kind: "stamp", sectors: 1, stamp: 500 }]);
    store.resize(95);
    store.resize(100);
    expect(store.allocatedRuns()).toEqual([{ sector: 90, sectors: 5 }]);
    const fresh = new SectorContent(100);
    fresh.writeStamps(90, 5, 1);
    expect(store.digest()).toBe(fresh.digest());
  });

  test("a span outside of the disk is our bug, loudly", () => {
    const store = new SectorContent(10);
    expect(() => store.writeZeros(5, 6)).toThrow("outside of a disk");
    expect(() => store.read(-1, 1)).toThrow("outside of a disk");
    expect(() => store.writeStamps(0, 2, 2 ** 53 - 1)).toThrow("stamps");
    expect(() => store.writeBytes(0, new Uint8Array(100))).toThrow("whole sectors");
  });
});
