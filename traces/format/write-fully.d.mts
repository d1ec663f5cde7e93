export declare function appender(
  file: number,
  position: number,
): (pieces: readonly Uint8Array[]) => void;
