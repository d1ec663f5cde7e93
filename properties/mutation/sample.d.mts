/** Types of sample.mjs, which Stryker loads as it is. */
interface Mutant {
  readonly mutatorName: string;
  readonly location: {
    readonly start: { readonly line: number; readonly column: number };
    readonly end: { readonly line: number; readonly column: number };
  };
  readonly replacement?: string;
}

interface Interval {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

export function isSampled(
  mutant: Mutant & { readonly file: string },
  share: number,
  salt: string,
): boolean;

export function interval(noticed: number, all: number, population?: number): Interval;

export function scoreOf(report: {
  readonly files: {
    readonly [file: string]: {
      readonly mutants: readonly (Mutant & {
        readonly status: string;
        readonly statusReason?: string;
      })[];
    };
  };
}): Interval & {
  readonly sampled: number;
  readonly population: number;
  readonly noticed: number;
  readonly missed: readonly (Mutant & { readonly file: string })[];
};
