/**
 * Building blocks for members of a scenario document: ids, quantities with their unit, objects.
 *
 * What must hold: a quantity's unit is in its member name, and its description says what it means,
 * because descriptions are the help that an editor and `orrery schema` show.
 */
import type { JsonSchema, JsonValue } from "./json-schema.ts";

/** Longest time a document may name: 100 days, well inside 2^53 nanoseconds. */
export const MAX_TIME_MS = 8_640_000_000;

/** Ids become parts of entity names (`array/vvol-3`), so they hold no slash, dot, colon or hash. */
export const ID_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,62}$";

/** `operation.phase`, for instance `snap.complete`. */
const PHASE_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,62}\\.[A-Za-z][A-Za-z0-9_-]{0,62}$";

/** An array (`array`) or a host's own disk (`alpha/local`). */
const DEVICE_PATTERN = "^[A-Za-z][A-Za-z0-9_-]{0,62}(/[A-Za-z][A-Za-z0-9_-]{0,62})?$";

type Extra = Partial<JsonSchema>;

const withDefault = (schema: JsonSchema, value: JsonValue | undefined): JsonSchema =>
  value === undefined ? schema : { ...schema, default: value };

/** The name of something that the document defines or refers to. */
export const id = (description: string): JsonSchema => ({
  type: "string",
  description,
  pattern: ID_PATTERN,
});

export const phaseReference = (description: string): JsonSchema => ({
  type: "string",
  description,
  pattern: PHASE_PATTERN,
});

export const device = (description: string): JsonSchema => ({
  type: "string",
  description,
  pattern: DEVICE_PATTERN,
});

export const text = (description: string, value?: string, extra: Extra = {}): JsonSchema =>
  withDefault({ type: "string", description, ...extra }, value);

export const flag = (description: string, value?: boolean): JsonSchema =>
  withDefault({ type: "boolean", description }, value);

/** A whole number, 0 or more unless `extra` says otherwise. */
export const count = (description: string, value?: number, extra: Extra = {}): JsonSchema =>
  withDefault(
    { type: "integer", description, minimum: 0, maximum: Number.MAX_SAFE_INTEGER, ...extra },
    value,
  );

/** A number, 0 or more unless `extra` says otherwise. */
export const amount = (description: string, value?: number, extra: Extra = {}): JsonSchema =>
  withDefault({ type: "number", description, minimum: 0, ...extra }, value);

/** A duration or a moment in milliseconds; fractions are allowed and become nanoseconds. */
export const milliseconds = (description: string, value?: number, extra: Extra = {}): JsonSchema =>
  amount(description, value, { maximum: MAX_TIME_MS, ...extra });

/** A duration in microseconds; fractions are allowed and become nanoseconds. */
export const microseconds = (description: string, value?: number, extra: Extra = {}): JsonSchema =>
  amount(description, value, { maximum: MAX_TIME_MS, ...extra });

/** A chance in a million, whole, so that the gate can draw it on integers. */
export const perMillion = (description: string, value = 0): JsonSchema =>
  count(description, value, { maximum: 1_000_000 });

/** A service time: one number, or quantiles that the gate draws from. */
export const latency = (description: string, value: JsonValue): JsonSchema => ({
  description,
  $ref: "#/$defs/LatencyUs",
  default: value,
});

export const oneOfWords = (
  description: string,
  words: readonly string[],
  value?: string,
): JsonSchema => withDefault({ description, type: "string", enum: [...words] }, value);

/** An object that has exactly these members. */
export const object = (
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
  required: readonly string[] = [],
): JsonSchema => ({
  type: "object",
  description,
  properties,
  required: [...required],
  additionalProperties: false,
});

export const list = (
  description: string,
  items: JsonSchema,
  extra: Extra = { default: [] },
): JsonSchema => ({
  type: "array",
  description,
  items,
  ...extra,
});

/** A reference to a shared definition; absent means `value`, whose own members have defaults. */
export const part = (description: string, name: string, value?: JsonValue): JsonSchema =>
  withDefault({ description, $ref: `#/$defs/${name}` }, value);
