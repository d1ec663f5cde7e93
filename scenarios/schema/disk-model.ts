/**
 * The disk model: how a device behaves in time and under faults. A host's own disk has these
 * members, and so has an array, which is a device with a front end before it.
 *
 * What must hold: with every rate in `faultRates` at 0 and no power loss, what was written is read.
 */
import type { JsonSchema } from "./json-schema.ts";
import { amount, count, latency, microseconds, object, part, perMillion } from "./members.ts";

export const latencyUs: JsonSchema = {
  description:
    "A service time in microseconds: one number (always the same), or the median and 99th " +
    "percentile of what was measured, from which each request draws.",
  type: ["number", "object"],
  minimum: 0,
  maximum: 3_600_000_000,
  properties: {
    median: microseconds("Half of all requests take at most this, in microseconds."),
    p99: microseconds("99 of 100 requests take at most this, in microseconds."),
  },
  required: ["median", "p99"],
  additionalProperties: false,
};

export const faultRates: JsonSchema = object(
  "Chances of faults that strike by themselves, each drawn at the gate.",
  {
    lostWritePerMillion: perMillion("Writes that are acknowledged and never reach the medium."),
    misdirectedWritePerMillion: perMillion("Writes that land on another sector of the device."),
    lyingFlushPerMillion: perMillion("Flushes that are acknowledged and make nothing durable."),
    latentErrorPerMillion: perMillion("Written sectors that cannot be read until rewritten."),
    bitRotPerMillion: perMillion("Reads of a sector that find one of its bits flipped for good."),
    tornWritePerMillion: perMillion(
      "Unflushed writes of more than one sector that survive a power loss only in part.",
      250_000,
    ),
  },
);

/** Defaults are those of an ordinary data-centre SSD with its volatile cache switched on. */
export const diskModelMembers: Readonly<Record<string, JsonSchema>> = {
  readLatencyUs: latency("Time that the medium needs for a read, before transfer.", 90),
  writeLatencyUs: latency("Time until a write is acknowledged, before transfer.", 30),
  seekUs: microseconds("Extra time when a request does not follow the one before it.", 0),
  transferMBps: amount("Transfer rate in 10^6 bytes a second.", 2_000, { exclusiveMinimum: 0 }),
  queueDepth: count("Requests that the device works on at once; more wait.", 32, {
    minimum: 1,
    maximum: 65_536,
  }),
  writeCacheMiB: count("Volatile write cache; 0 = off, every write durable at once.", 64),
  flushUs: latency("Time that a flush takes after the writes that it waits for.", 500),
  faultRates: part("Chances of faults that strike by themselves.", "FaultRates", {}),
};
