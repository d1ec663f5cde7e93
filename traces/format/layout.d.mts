export declare const fileMagic: Uint8Array;
export declare const footerMagic: Uint8Array;
export declare const formatVersion: number;
export declare const minimumReaderVersion: number;
export declare const linkBytes: 16;
export declare const prefixBytes: 28;
export declare const frameHeadBytes: 16;
export declare const frameTag: number;
export declare const footerBytes: 48;
export declare const codecs: { readonly raw: 0; readonly brotli: 1 };
export declare const chunkKinds: {
  readonly header: "header";
  readonly draws: "draws";
  readonly inputs: "inputs";
  readonly notices: "notices";
  readonly epoch: "epoch";
  readonly snapshot: "snapshot";
  readonly boundary: "boundary";
  readonly vmOutput: "vm-output";
  readonly end: "end";
  readonly index: "index";
  readonly footer: "footer";
};
export declare const limits: {
  readonly kindBytes: number;
  readonly metaBytes: number;
  readonly rawBytes: number;
  readonly columnBytes: number;
  readonly columnValues: number;
  readonly streamValues: number;
  readonly columns: number;
  readonly chunks: number;
  readonly plainDepth: number;
  readonly keyBytes: number;
};

/** A name of `chunkKinds`, or a recorder's own: lower case, digits and dashes, at most 32 bytes. */
export type ChunkKind = (typeof chunkKinds)[keyof typeof chunkKinds] | (string & {});
