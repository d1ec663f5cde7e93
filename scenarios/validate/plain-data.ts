/**
 * Turns what a document module exports into plain JSON data, or says where it is not.
 *
 * What must hold: the result shares nothing with the input, has no prototype keys, and would be the
 * same after a trip through a JSON file, so that a `.ts` and a `.json` document mean the same.
 */
import type { JsonValue } from "../schema/json-schema.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";

/** Deeper documents are refused before recursion over them can exhaust the stack. */
const MAX_DEPTH = 64;

const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

export const isForbiddenKey = (key: string): boolean => FORBIDDEN_KEYS.has(key);

type Report = (finding: Finding) => void;

function plainNumber(value: number, pointer: string, report: Report): JsonValue {
  if (!Number.isFinite(value)) report(finding(pointer, `is ${value}`, "a finite number"));
  return value === 0 ? 0 : value; // -0 prints as 0, so it must not differ from it
}

function plainMembers(value: object, pointer: string, depth: number, report: Report): JsonValue {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    report(finding(pointer, `is a ${value.constructor.name}`, "plain JSON data"));
    return null;
  }
  const result: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    const place = pointerTo(pointer, key);
    if (isForbiddenKey(key)) {
      report(finding(place, `member "${key}" is not allowed`, "no prototype keys"));
    } else if (member !== undefined) {
      result[key] = plainValue(member, place, depth + 1, report);
    }
  }
  return result;
}

function plainValue(value: unknown, pointer: string, depth: number, report: Report): JsonValue {
  if (depth > MAX_DEPTH) {
    report(finding(pointer, "is nested too deeply", `at most ${MAX_DEPTH} levels`));
    return null;
  }
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return plainNumber(value, pointer, report);
  if (Array.isArray(value)) {
    return value.map((element: unknown, index) =>
      plainValue(element, pointerTo(pointer, index), depth + 1, report),
    );
  }
  if (typeof value === "object") return plainMembers(value, pointer, depth, report);
  report(finding(pointer, `is a ${typeof value}`, "plain JSON data"));
  return null;
}

/** A deep copy as plain data; `findings` says where the input was something else. */
export function toPlainData(value: unknown): { data: JsonValue; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const data = plainValue(value, "", 0, (found) => findings.push(found));
  return { data, findings };
}
