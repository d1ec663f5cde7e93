/**
 * What every format's reader is: fed one line at a time, it adds requests to a builder, counts the
 * lines that are well formed but no request, and names what is wrong with the others. It keeps no
 * text, so importing needs no memory beyond the columns.
 */
import type { CaptureBuilder } from "./capture-builder.ts";

export interface LineReader {
  /** Takes one line without its end; returns what is wrong with it, if anything. */
  readonly read: (text: string) => string | undefined;
  /** Requests held so far, to keep memory bounded. */
  readonly requests: () => number;
  /** The builder that holds the capture, once all lines were read. */
  readonly finish: () => CaptureBuilder;
}

/** Counts of well-formed lines that are no request, by a short name of what they were. */
export class SkipCounts {
  private readonly counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/**
 * A whole number as captures write them: decimal digits only. Returns what is wrong otherwise
 * (empty, signed, fractional, NaN, beyond 2^53 - 1), naming the field.
 */
export function wholeNumber(field: string, text: string): number | string {
  if (!/^\d+$/.test(text)) {
    return `${field} is ${JSON.stringify(text.slice(0, 24))}, a whole number expected`;
  }
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : `${field} ${text.slice(0, 24)} is beyond 2^53`;
}

/** `wholeNumber` of several named fields; the first that is wrong ends it. */
export function wholeNumbers<Name extends string>(
  fields: Readonly<Record<Name, string>>,
): Readonly<Record<Name, number>> | string {
  const values: Partial<Record<Name, number>> = {};
  for (const name of Object.keys(fields) as Name[]) {
    const value = wholeNumber(name, fields[name]);
    if (typeof value === "string") return value;
    values[name] = value;
  }
  return values as Record<Name, number>;
}
