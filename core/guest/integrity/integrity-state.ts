/**
 * What the hypervisor keeps for a guest integrity driver (US 11,379,385; US 10,430,223): which pages are
 * the driver's code and data, which it has registered, and which vCPUs are in integrity mode.
 *
 * It is state of the machine that the guest sees, like its registers: it goes wherever they go (images,
 * copies, other hosts), and page tables and traces are made of it anew there.
 */

/** Pages of the guest, by number. */
export type PageRange = { readonly page: number; readonly pages: number };

/** An interrupted stay in integrity mode: it goes on there, with these registers, and nowhere else. */
export type IntegrityFrame = {
  /** Guest-physical place of the instruction that comes next, from the start of RAM. */
  readonly at: number;
  /** Virtual address of it, in hexadecimal; of a modelled guest: nothing. */
  readonly address: string;
  /** What the registers held, as a digest. */
  readonly registers: string;
};

export type IntegrityMode = {
  readonly active: boolean;
  /** Stays that were interrupted, the innermost last. */
  readonly frames: readonly IntegrityFrame[];
};

export type IntegrityState = {
  /** The one place from which the mode can be entered, in bytes from the start of RAM. */
  readonly entry: number;
  readonly code: PageRange;
  readonly data: PageRange;
  /** Disjoint, ascending. */
  readonly registered: readonly PageRange[];
  readonly modes: readonly IntegrityMode[];
};

/**
 * The second-stage tables that follow from it. Table 1 is for all and traces writes to code, data and
 * registered pages; table 2 is for a vCPU in integrity mode and leaves the driver's data writable.
 */
export type SecondStage = Pick<IntegrityState, "code" | "data" | "registered"> & {
  /** By vCPU: which table it uses. */
  readonly tables: readonly (1 | 2)[];
};

export const secondStageOf = ({ code, data, registered, modes }: IntegrityState): SecondStage => ({
  code,
  data,
  registered,
  tables: modes.map(({ active }) => (active ? 2 : 1)),
});

type TracedSet = Pick<SecondStage, "code" | "data" | "registered">;

const isSameRange = (a: PageRange, b: PageRange): boolean =>
  a.page === b.page && a.pages === b.pages;

/** Whether table 1 traces the same pages. */
export const isSameSet = (a: TracedSet, b: TracedSet): boolean =>
  isSameRange(a.code, b.code) &&
  isSameRange(a.data, b.data) &&
  a.registered.length === b.registered.length &&
  a.registered.every((range, at) => isSameRange(range, b.registered[at]!));

export const isSameSecondStage = (a: SecondStage, b: SecondStage): boolean =>
  isSameSet(a, b) && a.tables.every((table, vcpu) => table === b.tables[vcpu]);

/** Something that a guest must not do and that is not a write: nothing of it has been carried out. */
export type IntegrityOffence = "forged-entry" | "protect-outside" | "unprotect-outside";

export type IntegrityRefusal = {
  readonly ok: false;
  readonly code: "outside-memory" | "bad-entry" | "known" | "unknown" | "denied" | "overlap";
  readonly message: string;
  readonly offence?: IntegrityOffence;
};

export type IntegrityAnswer = { readonly ok: true } | IntegrityRefusal;

/** What a host hears of it. */
export type IntegrityEvent =
  /** Tables are other ones from now on. */
  | { readonly what: "tables"; readonly second: SecondStage }
  | {
      readonly what: "offence";
      readonly offence: IntegrityOffence;
      readonly vcpu: number;
      readonly message: string;
    }
  | { readonly what: "refused"; readonly vcpu: number; readonly message: string };
