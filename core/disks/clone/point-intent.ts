/**
 * What a clone of a running VM makes durable first, in the place of the VM's second intent (that of
 * backups): the point in time that it takes for itself, and that somebody has to give up again.
 */
export type PointIntent = {
  readonly kind: "clone-point";
  readonly operation: string;
  readonly vm: string;
  readonly pointInTime: string;
};
