/** Simulated times as people read them. */

const UNITS = [
  { name: "s", ns: 1e9 },
  { name: "ms", ns: 1e6 },
  { name: "µs", ns: 1e3 },
] as const;

/** How long something took, in three digits: `2.09 ms`, `85.2 µs`, `12 s`. */
export function duration(ns: number): string {
  if (ns === 0) return "0";
  const unit = UNITS.find((each) => ns >= each.ns * 0.9995);
  if (unit === undefined) return `${ns} ns`;
  const value = ns / unit.ns;
  const text = value >= 1_000 ? Math.round(value).toLocaleString("en") : digits(value);
  return `${text} ${unit.name}`;
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));

/** When something happened: seconds, to the microsecond. */
export const moment = (ns: number): string => `${String(Number((ns / 1e9).toFixed(6)))} s`;
