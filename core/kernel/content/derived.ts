/**
 * Pure caches for observers that look at the same things after every step: what contents were put
 * together of some, which two were found alike, and what was found while nothing changed. Must hold:
 * none says anything else than doing it again would, for what changes gets another version.
 */
import type { SectorContent } from "./sector-content.ts";

interface Derived {
  readonly of: readonly SectorContent[];
  readonly versions: readonly number[];
  readonly content: SectorContent;
  readonly version: number;
}

/** Contents made of others; each by the last of those, which is to be its own. */
export class DerivedContents {
  readonly #known = new WeakMap<SectorContent, Derived>();

  /** What `make` makes of these, made anew once one of them has changed. Not to be changed. */
  of(parts: readonly SectorContent[], make: () => SectorContent): SectorContent {
    const own = parts[parts.length - 1]!;
    const known = this.#known.get(own);
    if (known !== undefined && isCurrent(known, parts)) return known.content;
    const content = make();
    const versions = parts.map(({ version }) => version);
    this.#known.set(own, { of: parts, versions, content, version: content.version });
    return content;
  }
}

function isCurrent(
  { of, versions, content, version }: Derived,
  parts: readonly SectorContent[],
): boolean {
  if (of.length !== parts.length || content.version !== version) return false;
  for (let i = 0; i < of.length; i++) {
    if (of[i] !== parts[i] || of[i]!.version !== versions[i]) return false;
  }
  return true;
}

/** Which contents were found alike. */
export class LikeContents {
  readonly #known = new WeakMap<
    SectorContent,
    { readonly other: SectorContent; readonly versions: readonly [number, number] }
  >();

  /** First sector in which two differ, where they have one; undefined: none. */
  difference(content: SectorContent, other: SectorContent): number | undefined {
    const known = this.#known.get(content);
    const isKnown =
      known?.other === other &&
      known.versions[0] === content.version &&
      known.versions[1] === other.version;
    if (isKnown) return undefined;
    const [wrong] = content.diffRanges(other);
    if (wrong !== undefined) return wrong.sector;
    this.#known.set(content, { other, versions: [content.version, other.version] });
    return undefined;
  }
}

/** What was found by name at an owner, for as long as what it depends on has the same versions. */
export class WhileSame<Owner extends object, Found> {
  readonly #of = new WeakMap<Owner, { versions: readonly number[]; found: Map<string, Found> }>();

  /** What was found under these versions, to be added to; empty once any of them is another. */
  at(owner: Owner, ...versions: readonly number[]): Map<string, Found> {
    const known = this.#of.get(owner);
    if (known?.versions.every((version, i) => version === versions[i]) === true) return known.found;
    const found = new Map<string, Found>();
    this.#of.set(owner, { versions, found });
    return found;
  }
}
