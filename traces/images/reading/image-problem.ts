/** What can be wrong with an image, as data. Readers throw it; the door to them returns it. */

export type ImageProblemCode =
  /** Not what its format promises: cut short, pointers that lead outside, checks that fail. */
  | "damaged"
  /** A format, or a feature of one, that is not read. */
  | "unsupported"
  /** Encrypted: the key is somebody else's. */
  | "encrypted"
  /** It names another file that is not there. */
  | "missing-file"
  /** It is its own ancestor. */
  | "cyclic-chain"
  /** A parent whose content is no longer that on which the child was made. */
  | "content-id-mismatch";

export class ImageProblem extends Error {
  readonly code: ImageProblemCode;

  constructor(code: ImageProblemCode, message: string) {
    super(message);
    this.code = code;
  }
}

export const damaged = (file: string, what: string): ImageProblem =>
  new ImageProblem("damaged", `${file} is damaged: ${what}`);

export const unsupported = (file: string, what: string): ImageProblem =>
  new ImageProblem("unsupported", `${file} is of an unsupported kind: ${what}`);

export const encrypted = (file: string, what: string): ImageProblem =>
  new ImageProblem("encrypted", `${file} is encrypted (${what}) with a key that is not ours`);
