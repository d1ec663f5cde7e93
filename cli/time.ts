/**
 * Simulated times on the command line: `10s`, `5ms`, `100us`, `42ns`, `2min`, `1h`; a plain number
 * is milliseconds, as in documents. Exact: a time that is not a whole nanosecond is refused.
 */

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  min: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

export const TIME_HELP = "10s, 5ms, 100us, 42ns, 2min, 1h; a plain number is milliseconds";

/** Text to whole nanoseconds. */
export function parseTime(text: string): Parsed<number> {
  const match = /^(\d{1,20})(?:\.(\d{1,20}))?(ns|us|µs|ms|s|min|h)?$/.exec(text);
  if (!match) return { ok: false, expected: `a time: ${TIME_HELP}` };
  const [, whole = "", fraction = "", unit = "ms"] = match;
  const scaled = BigInt(whole + fraction) * (UNIT_NS[unit] ?? 1n);
  const divisor = 10n ** BigInt(fraction.length);
  if (scaled % divisor !== 0n) return { ok: false, expected: "a whole number of nanoseconds" };
  const ns = scaled / divisor;
  return ns <= BigInt(Number.MAX_SAFE_INTEGER)
    ? { ok: true, value: Number(ns) }
    : { ok: false, expected: "at most 104 days" };
}

/** A moment in a run: a time, or the number of an event. */
export type Moment = { readonly timeNs: number } | { readonly event: number };

/** `--at`: a time, or `#EVENT`. */
export function parseMoment(text: string): Parsed<Moment> {
  if (!text.startsWith("#")) {
    const time = parseTime(text);
    return time.ok ? { ok: true, value: { timeNs: time.value } } : time;
  }
  return /^#\d{1,15}$/.test(text)
    ? { ok: true, value: { event: Number(text.slice(1)) } }
    : { ok: false, expected: "an event, for instance #1042" };
}

const SHOWN_UNITS = ["s", "ms", "us"] as const;

/** The shortest exact text in one unit: `1.5ms`, `42ns`. `parseTime` reads it back. */
export function formatTime(ns: number): string {
  const time = BigInt(ns);
  const unit = SHOWN_UNITS.find((name) => time >= (UNIT_NS[name] ?? 1n));
  if (unit === undefined) return `${ns}ns`;
  const scale = UNIT_NS[unit] ?? 1n;
  const digits = scale.toString().length - 1;
  const fraction = (time % scale).toString().padStart(digits, "0").replace(/0+$/, "");
  return `${time / scale}${fraction === "" ? "" : `.${fraction}`}${unit}`;
}
