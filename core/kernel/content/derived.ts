/**
 * Pure caches over contents, for observers that look at the same ones after every step: what was put
 * together of some, and which two were found alike. Must hold: neither says anything else than doing
 * it again would, for a content that changes gets another version.
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
