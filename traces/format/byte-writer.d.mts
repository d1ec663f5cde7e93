/** Brotli of `bytes` at `quality` (0 to 11), or undefined when that is no shorter. */
export declare function compressed(bytes: Uint8Array, quality: number): Uint8Array | undefined;

export declare class ByteWriter {
  byte(value: number): void;
  varint(value: number): void;
  bytes(bytes: Uint8Array): void;
  block(bytes: Uint8Array): void;
  done(): Uint8Array;
}
