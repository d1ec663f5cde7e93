import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTime, parseMoment, parseTime } from "./time.ts";

test.each([
  ["10s", 10_000_000_000],
  ["5ms", 5_000_000],
  ["5", 5_000_000],
  ["0.25", 250_000],
  ["100us", 100_000],
  ["1.5µs", 1_500],
  ["42ns", 42],
  ["2min", 120_000_000_000],
  ["1h", 3_600_000_000_000],
])("%s", (text, ns) => {
  expect(parseTime(text)).toEqual({ ok: true, value: ns });
});

test.each(["", "-1", "1e3", "5 ms", "5m", "0.5ns", "9999h", "ten", "1.s", "Infinity"])(
  "%j is no time",
  (text) => {
    expect(parseTime(text).ok).toBe(false);
  },
);

test("a moment is a time or an event", () => {
  expect(parseMoment("#17")).toEqual({ ok: true, value: { event: 17 } });
  expect(parseMoment("17")).toEqual({ ok: true, value: { timeNs: 17_000_000 } });
  expect(parseMoment("#x").ok).toBe(false);
});

const roundTrip = (format: (ns: number) => string) =>
  fc.property(fc.maxSafeInteger().map(Math.abs), (ns) => {
    const parsed = parseTime(format(ns));
    return parsed.ok && parsed.value === ns;
  });

test("what is printed is read back exactly", () => {
  fc.assert(roundTrip(formatTime));
});

test("canary: printing in floating point is caught", () => {
  const law = roundTrip((ns) => `${(ns / 1e9).toFixed(6)}s`);
  expect(fc.check(law).failed).toBe(true);
});
