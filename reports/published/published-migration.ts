/**
 * What a publication says of a machine that moved, as data. Nothing here is an input of the engine but
 * what `given` holds; the rest is what its predictions are held against.
 */

/** Sizes in MiB, rates in Mbit/s of 2^20 bits, times in the unit of the name. */
export interface PublishedMigration {
  readonly name: string;
  readonly describe: string;
  readonly algorithm: "pre-copy" | "stop-and-copy";
  /** Settings that the publication states, and what the machine was. */
  readonly given: {
    readonly memoryMiB: number;
    /** What starting it took beside copying. */
    readonly startUpMs: number;
    /** Of a stop-and-copy. */
    readonly rateMbps?: number;
  };
  /** Sent in each round; the last one while the machine stood still. */
  readonly roundsMiB?: readonly number[];
  readonly firstRoundS?: number;
  readonly sentMiB?: number;
  readonly totalS?: number;
  readonly downtimeMs?: number;
  /** Of the guest's own traffic: before, in the first round, in those after it. */
  readonly throughputMbps?: {
    readonly before: number;
    readonly firstRound: number;
    readonly laterRounds: number;
  };
  /** `fitted`: its working sets were chosen by its own rounds. `held-out`: nothing was. */
  readonly role: "fitted" | "held-out";
  /** Figures that were quoted from memory and not read in the paper when this was written. */
  readonly recalled: readonly string[];
}

export interface Source {
  readonly cite: string;
  readonly where: string;
}
