/** What the growth of a disk makes durable before anything else. */
export type GrowIntent = {
  readonly kind: "grow";
  readonly operation: string;
  readonly vm: string;
  readonly disk: string;
  readonly descriptor: string;
  /** All that the disk is read through. */
  readonly volumes: readonly string[];
  readonly fromSectors: number;
  readonly toSectors: number;
};
