/** What one image file says: the sectors that it holds itself, and what lies below it. */
import type { SectorContent } from "../../../core/kernel/index.ts";

export interface ImageLayer {
  readonly sectors: number;
  /** What the file itself holds; sectors that it does not hold are looked for below. */
  readonly content: SectorContent;
  readonly below: BelowImage | null;
  /** Points in time inside the file, oldest first, each as `content` is. */
  readonly snapshots: readonly ImageSnapshot[];
  /** CID of a VMDK. */
  readonly contentId: number | null;
}

export interface BelowImage {
  /** As the file names it. */
  readonly path: string;
  /** As the file says; null: to be told by its magic. */
  readonly format: "raw" | "qcow2" | "vmdk" | null;
  /** CID that the one below must have. */
  readonly contentId: number | null;
}

export interface ImageSnapshot {
  readonly name: string;
  readonly sectors: number;
  readonly content: SectorContent;
}

/** Finds another file by the name that `from` gives it; throws when there is none. */
export type FindFile = (from: string, name: string) => { file: string; bytes: Uint8Array };
