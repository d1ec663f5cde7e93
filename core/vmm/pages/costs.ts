/**
 * What tracing pages costs a vCPU, in nanoseconds. Magnitudes, at 3 GHz: an exit for a page fault and
 * back about 4,000 cycles (Adams and Agesen 2006; Wheeler's article says the same of a copy-on-write
 * fault), entries of a page table a few tens of nanoseconds each (loose traces, US 11,995,459, exist
 * because a terabyte of them takes minutes), an interrupt to another processor about a microsecond.
 */
export type TraceCosts = {
  /** Changing one entry of the second-stage tables. */
  readonly entryNs: number;
  /** The exit of an access that hits a trace, and the way back. */
  readonly faultNs: number;
  /** Replacing an entry by a table of 512 smaller ones. */
  readonly splitNs: number;
  /** Leaving the guest to flush the second-stage TLB. */
  readonly flushNs: number;
  /** Mean time until a vCPU that does not install takes notice, and flushes. */
  readonly noticeNs: number;
};

export const TRACE_COSTS: TraceCosts = {
  entryNs: 60,
  faultNs: 1_300,
  splitNs: 500,
  flushNs: 1_000,
  noticeNs: 5_000,
};

/** Pages under one entry of the second-stage tables: 4 KiB, 2 MiB, 1 GiB. */
export const GRANULARITIES = { "4KiB": 1, "2MiB": 512, "1GiB": 512 * 512 } as const;
export type Granularity = keyof typeof GRANULARITIES;
