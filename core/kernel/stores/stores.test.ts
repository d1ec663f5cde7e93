import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalBytes } from "../canonical.ts";
import { clonePlain, equalPlain, type Plain, type PlainObject } from "../plain.ts";
import { Contents } from "./contents.ts";
import { Records } from "./records.ts";
import type { Store } from "./store.ts";
import { Table } from "./table.ts";

/** What every store must do, shown on a script of changes with a plain model beside it. */
interface Subject<Image> {
  readonly make: () => Store<Image>;
  readonly change: (
    store: Store<Image>,
    model: Map<number, Plain>,
    id: number,
    value: number,
  ) => void;
  readonly read: (store: Store<Image>, id: number) => Plain | undefined;
}

const records: Subject<unknown> = {
  make: () => new Records() as never,
  change: (store, model, id, value) => {
    const target = store as unknown as Records;
    const before = target.get(id);
    if (value % 7 === 0) {
      target.set(id, undefined);
      model.delete(id);
    } else if (before === undefined || value % 5 === 0) {
      target.set(id, { list: [value], id });
      model.set(id, { list: [value], id });
    } else {
      (target.edit(id)["list"] as unknown as number[]).push(value);
      (model.get(id) as { list: number[] }).list.push(value);
    }
  },
  read: (store, id) => (store as unknown as Records).get(id),
};

const COLUMNS = { a: "f64", b: "i32" } as const;
const table: Subject<unknown> = {
  make: () => new Table(COLUMNS, true) as never,
  change: (store, model, id, value) => {
    const target = store as unknown as Table<typeof COLUMNS>;
    target.ensure(id + 1);
    target.used = Math.max(target.used, id + 1);
    target.columns.a[id] = value / 3;
    target.columns.b[id] = -value;
    const payload = value % 4 === 0 ? null : value % 4 === 1 ? { value } : undefined;
    target.payloads![id] = payload;
    target.touch(id);
    model.set(id, { a: value / 3, b: -value, ...(payload !== undefined && { payload }) });
  },
  read: (store, id) => {
    const { columns, payloads, used } = store as unknown as Table<typeof COLUMNS>;
    if (id >= used || (columns.b[id] === 0 && columns.a[id] === 0)) return undefined;
    const payload = payloads![id];
    return { a: columns.a[id]!, b: columns.b[id]!, ...(payload !== undefined && { payload }) };
  },
};

const contents: Subject<unknown> = {
  make: () => new Contents() as never,
  change: (store, model, id, value) => {
    const target = store as unknown as Contents;
    const name = `owner-${id % 5}#disk`;
    if (value % 9 === 0) {
      target.remove(name);
      model.delete(id % 5);
    } else {
      target.open(name, 64).writeStamps(value % 64, 1, value + 1);
      const before = (model.get(id % 5) ?? {}) as PlainObject;
      model.set(id % 5, { ...before, [value % 64]: value + 1 });
    }
  },
  read: (store, id) => {
    const content = (store as unknown as Contents).get(`owner-${id}#disk`);
    if (id > 4 || content === undefined) return undefined;
    const cells: { [sector: string]: Plain } = {};
    for (const { sector, sectors } of content.allocatedRuns(0, 64)) {
      for (let at = sector; at < sector + sectors; at++) {
        const [run] = content.read(at, 1);
        cells[at] = run!.kind === "stamp" ? run!.stamp : -1;
      }
    }
    return cells;
  },
};

const IDS = 300;
const script = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(
        fc.constant("change" as const),
        fc.nat(IDS - 1),
        fc.integer({ min: 1, max: 99 }),
      ),
    },
    { weight: 2, arbitrary: fc.tuple(fc.constant("capture" as const), fc.nat(), fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("restore" as const), fc.nat(), fc.nat()) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("digest" as const), fc.nat(), fc.nat()) },
  ),
  { maxLength: 60 },
);

type Saved = {
  readonly image: unknown;
  readonly model: Map<number, Plain>;
  readonly digest: bigint;
};

function runScript(
  subject: Subject<unknown>,
  steps: readonly (readonly [string, number, number])[],
): void {
  const store = subject.make();
  let model = new Map<number, Plain>();
  const copy = (): Map<number, Plain> =>
    new Map([...model].map(([id, value]) => [id, clonePlain(value)]));
  const saved: Saved[] = [{ image: store.capture(), model: copy(), digest: store.digest() }];
  const agree = (): void => {
    for (let id = 0; id < IDS; id++) {
      expect(equalPlain(subject.read(store, id), model.get(id))).toBe(true);
    }
  };
  for (const [kind, a, b] of steps) {
    if (kind === "change") subject.change(store, model, a, b);
    else if (kind === "digest") store.digest();
    else if (kind === "capture") {
      saved.push({ image: store.capture(), model: copy(), digest: store.digest() });
    } else {
      const at = saved[a % saved.length]!;
      store.restore(at.image);
      model = new Map([...at.model].map(([id, value]) => [id, clonePlain(value)]));
      expect(store.digest()).toBe(at.digest);
    }
  }
  agree();
  const other = subject.make();
  let base: unknown;
  let otherBase: unknown;
  for (const each of [
    ...saved,
    { image: store.capture(), model: copy(), digest: store.digest() },
  ]) {
    otherBase = other.applyDelta(otherBase, structuredClone(store.encodeDelta(each.image, base)));
    other.restore(otherBase);
    expect(other.digest()).toBe(each.digest);
    base = each.image;
    store.restore(each.image);
    model = each.model;
    agree();
  }
}

describe.each([
  ["records", records],
  ["a table", table],
  ["contents", contents],
] as const)("%s", (_name, subject) => {
  it("keep images as they were, tell content by digest, and go over as differences", () => {
    fc.assert(
      fc.property(script, (steps) => runScript(subject, steps)),
      { seed: 5, numRuns: 80 },
    );
  });

  it("canary: an image that is changed after it was taken is noticed", () => {
    const leaky: Subject<unknown> = {
      ...subject,
      make: () => {
        const store = subject.make();
        const restore = store.restore.bind(store);
        store.restore = (image) => {
          restore(image);
          subject.change(store, new Map(), 3, 8);
        };
        return store;
      },
    };
    const steps = [
      ["change", 3, 2],
      ["capture", 0, 0],
      ["change", 3, 4],
      ["restore", 1, 0],
    ] as const;
    expect(() => runScript(leaky, steps)).toThrow();
  });
});

describe("an image of records", () => {
  it("shares the pages that did not change", () => {
    const store = new Records();
    for (let id = 0; id < 640; id++) store.set(id, { id });
    const first = store.capture();
    (store.edit(70) as { id: number }).id = -1;
    const second = store.capture();
    const shared = second.pages.filter((page, i) => page === first.pages[i]);
    expect(shared.length).toBe(second.pages.length - 1);
    expect(first.pages[1]![6]).toEqual({ id: 70 });
  });

  it("does not let an edit reach what a record was made of", () => {
    const definition = { list: [1, 2] };
    const store = new Records();
    store.set(0, definition);
    (store.edit(0)["list"] as unknown as number[]).push(3);
    expect(definition).toEqual({ list: [1, 2] });
  });
});

const plain: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 0, 1, "", "a", "é"),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "ab", "c"), tie("value"), { maxKeys: 3 }),
  ),
})).value;

describe("canonical bytes", () => {
  it("are equal exactly when the data is", () => {
    fc.assert(
      fc.property(plain, plain, (a, b) => {
        const same = Buffer.compare(canonicalBytes(a), canonicalBytes(b)) === 0;
        expect(same).toBe(equalPlain(a, b));
        expect(Buffer.compare(canonicalBytes(a), canonicalBytes(clonePlain(a)))).toBe(0);
      }),
      { seed: 6, numRuns: 2_000 },
    );
  });

  it("do not see the order of members, those that are undefined, or the sign of zero", () => {
    const one = canonicalBytes({ b: [0], a: 1, c: undefined });
    expect(canonicalBytes({ a: 1, b: [-0] })).toEqual(one);
    expect(canonicalBytes({ a: 1, b: ["0"] })).not.toEqual(one);
    expect(canonicalBytes(["ab", "c"])).not.toEqual(canonicalBytes(["a", "bc"]));
    expect(() => canonicalBytes({ f: () => 1 })).toThrow();
  });
});
