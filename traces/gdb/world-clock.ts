/** When things happened in the world around a recorded machine. */
export interface WorldClock {
  /** Simulated time of a progress within a run, and the last event of the world up to then. */
  readonly at: (
    run: number,
    progress: number,
  ) => { readonly timeNs: number; readonly event: number };
}
