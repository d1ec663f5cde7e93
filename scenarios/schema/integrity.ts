/**
 * The guest integrity driver of a modelled guest, and who attacks what it protects.
 *
 * What must hold: every write that this describes is legal or not by the document alone, so that alerts
 * can be expected by number.
 */
import type { JsonSchema } from "./json-schema.ts";
import { amount, count, list, microseconds, milliseconds, object, oneOfWords } from "./members.ts";

const range: JsonSchema = object(
  "Pages of 4 KiB that the driver protects: writes to them raise alerts.",
  {
    atMiB: amount("Where they begin in the guest's memory.", undefined, {
      multipleOf: 0.00390625,
    }),
    pages: count("How many.", 1, { minimum: 1, maximum: 65_536 }),
  },
  ["atMiB"],
);

const attack: JsonSchema = object(
  "Something that tampers with what the driver protects.",
  {
    atMs: milliseconds("When, counted from the start of the application."),
    when: oneOfWords(
      "`at-once`; `in-update` = in the driver's next update, from another vCPU if there is one; " +
        "`in-interrupt` = while its next interrupted update is interrupted, on the same vCPU.",
      ["at-once", "in-update", "in-interrupt"],
      "at-once",
    ),
    by: oneOfWords(
      "Who writes: the `kernel` (any code that is not the driver), a `device` (DMA), the `driver` in " +
        "integrity mode; or the kernel after a `forged-entry` (a jump past the driver's check) or " +
        "after it asked to `unprotect` the pages.",
      ["kernel", "device", "driver", "forged-entry", "unprotect"],
      "kernel",
    ),
    on: oneOfWords(
      "What is written: the first `protected` pages, the driver's `code` or its `data`.",
      ["protected", "code", "data"],
      "protected",
    ),
    pages: count("How many pages are written, one after the other.", 1, {
      minimum: 1,
      maximum: 65_536,
    }),
  },
  ["atMs"],
);

export const integrityDefinitions: Readonly<Record<string, JsonSchema>> = {
  ProtectedRange: range,
  IntegrityAttack: attack,
  IntegrityDriver: object(
    "A driver in the guest that has its hypervisor watch pages (US 11,379,385). From its one entry " +
      "point it enters integrity mode and updates its data; all other writes to what it protects, to " +
      "its code and to its data raise alerts.",
    {
      atMiB: amount(
        "Where its code and, behind it, its data begin; absent = 8 MiB below the end of memory.",
        undefined,
        { multipleOf: 0.00390625 },
      ),
      codePages: count("Pages of its code.", 4, { minimum: 1, maximum: 65_536 }),
      dataPages: count("Pages of its data.", 8, { minimum: 1, maximum: 65_536 }),
      protect: list("Pages that it protects.", { $ref: "#/$defs/ProtectedRange" }),
      updateEveryMs: milliseconds("Pause between updates of its data; 0 = none.", 10),
      updateUs: microseconds("How long an update takes, in integrity mode.", 200),
      interruptEvery: count("One of so many updates is interrupted in the middle; 0 = none.", 4),
      interruptUs: microseconds("How long an interrupt takes.", 50),
      attacks: list("Who tampers with what it protects.", { $ref: "#/$defs/IntegrityAttack" }),
    },
  ),
};
