/**
 * What every store can do, so that a world can be snapshotted, hashed, compared and rewound without
 * knowing what is in it. Must hold: `restore(capture())` changes nothing that `digest` or a reader
 * can see, an image never changes once taken, and taking one costs what changed since the last.
 */
import type { PlainObject } from "../plain.ts";

export interface Store<Image> {
  /** An immutable image; pages that did not change are shared with the image before. */
  capture(): Image;
  restore(image: Image): void;
  /** 64-bit hash of the content; recomputes what changed since the last call. */
  digest(): bigint;
  /** What `image` holds that `base` does not (everything, without a base), as plain data. */
  encodeDelta(image: Image, base: Image | undefined): PlainObject;
  /** The image that `encodeDelta` described, on top of the same base. Throws on hostile input. */
  applyDelta(base: Image | undefined, delta: PlainObject): Image;
}
