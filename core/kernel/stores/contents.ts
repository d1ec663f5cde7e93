/**
 * All sector contents of a world, by name (`entity#label`). Contents come and go as redo logs and
 * point-in-time images do; the set of names is state like the contents themselves.
 */
import { assert } from "../assert.ts";
import { MAX_SECTORS, SectorContent, type SectorImage } from "../content/sector-content.ts";
import { hash64 } from "../hash.ts";
import type { PlainObject } from "../plain.ts";
import type { Store } from "./store.ts";

export type ContentsImage = ReadonlyMap<string, SectorImage>;

export class Contents implements Store<ContentsImage> {
  #contents = new Map<string, SectorContent>();
  /** Counts what may have taken a content away: one found before it may not be the one any more. */
  generation = 0;

  /** The content of this name, made with room for `sectors` when there is none. */
  open(name: string, sectors: number = MAX_SECTORS): SectorContent {
    const known = this.#contents.get(name);
    if (known !== undefined) return known;
    const content = new SectorContent(sectors);
    this.#contents.set(name, content);
    return content;
  }

  get(name: string): SectorContent | undefined {
    return this.#contents.get(name);
  }

  put(name: string, content: SectorContent): void {
    this.generation++;
    this.#contents.set(name, content);
  }

  remove(name: string): void {
    this.generation++;
    this.#contents.delete(name);
  }

  /** Removes what an entity owned. */
  removeOwned(entity: string): void {
    for (const name of this.#contents.keys()) if (isOwnedBy(name, entity)) this.remove(name);
  }

  names(): string[] {
    return [...this.#contents.keys()].sort();
  }

  namesOf(entity: string): string[] {
    return this.names().filter((name) => isOwnedBy(name, entity));
  }

  /** Digests by owner, in order of name: the leaves under that entity. */
  digestsByOwner(): Map<string, bigint> {
    const owners = new Map<string, bigint>();
    for (const name of this.names()) {
      const owner = ownerOf(name);
      const leaf = hash64(new TextEncoder().encode(name), this.#contents.get(name)!.digest());
      const before = owners.get(owner) ?? 0n;
      owners.set(owner, hash64(new Uint8Array(BigUint64Array.of(leaf).buffer), before));
    }
    return owners;
  }

  digest(): bigint {
    let digest = 0n;
    for (const leaf of this.digestsByOwner().values()) {
      digest = hash64(new Uint8Array(BigUint64Array.of(leaf).buffer), digest);
    }
    return digest;
  }

  capture(): ContentsImage {
    const image = new Map<string, SectorImage>();
    for (const [name, content] of this.#contents) image.set(name, content.capture());
    return image;
  }

  restore(image: ContentsImage): void {
    this.generation++;
    for (const name of this.#contents.keys()) if (!image.has(name)) this.#contents.delete(name);
    for (const [name, sectors] of image) this.open(name, sectors.sectors).restore(sectors);
  }

  encodeDelta(image: ContentsImage, base: ContentsImage | undefined): PlainObject {
    const names: string[] = [];
    const deltas: PlainObject[] = [];
    const removed: string[] = [];
    const codec = new SectorContent(1);
    for (const [name, sectors] of image) {
      const old = base?.get(name);
      if (old !== undefined && old.root === sectors.root && old.sectors === sectors.sectors)
        continue;
      names.push(name);
      deltas.push(codec.encodeDelta(sectors, old));
    }
    for (const name of base?.keys() ?? []) if (!image.has(name)) removed.push(name);
    return { names, deltas, removed };
  }

  applyDelta(base: ContentsImage | undefined, delta: PlainObject): ContentsImage {
    const image = new Map(base ?? []);
    const codec = new SectorContent(1);
    for (const name of delta["removed"] as readonly string[]) image.delete(name);
    const deltas = delta["deltas"] as readonly PlainObject[];
    (delta["names"] as readonly string[]).forEach((name, i) => {
      assert(typeof name === "string" && name.includes("#"), "contents delta: bad name");
      image.set(name, codec.applyDelta(base?.get(name), deltas[i]!));
    });
    return image;
  }
}

/** Whether that is the owner; asked of every content whenever an entity goes. */
const isOwnedBy = (name: string, entity: string): boolean =>
  name.startsWith(entity) && name.lastIndexOf("#") === entity.length;

function ownerOf(name: string): string {
  return name.slice(0, name.lastIndexOf("#"));
}
