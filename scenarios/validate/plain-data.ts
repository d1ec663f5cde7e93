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

/** What was found so far, and the members that lead to what is looked at. */
interface Look {
  readonly findings: Finding[];
  readonly path: (string | number)[];
}

const report = ({ findings, path }: Look, message: string, expected: string): void =>
  void findings.push(finding(pointerTo("", ...path), message, expected));

function plainNumber(value: number, look: Look): JsonValue {
  if (!Number.isFinite(value)) report(look, `is ${value}`, "a finite number");
  return value === 0 ? 0 : value; // -0 prints as 0, so it must not differ from it
}

function plainMembers(value: object, look: Look): JsonValue {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    report(look, `is a ${value.constructor.name}`, "plain JSON data");
    return null;
  }
  const result: Record<string, JsonValue> = {};
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    look.path.push(key);
    if (isForbiddenKey(key)) report(look, `member "${key}" is not allowed`, "no prototype keys");
    else if (member !== undefined) result[key] = plainValue(member, look);
    look.path.pop();
  }
  return result;
}

function plainElement(element: unknown, index: number, look: Look): JsonValue {
  look.path.push(index);
  const plain = plainValue(element, look);
  look.path.pop();
  return plain;
}

function plainValue(value: unknown, look: Look): JsonValue {
  if (look.path.length > MAX_DEPTH) {
    report(look, "is nested too deeply", `at most ${MAX_DEPTH} levels`);
    return null;
  }
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return plainNumber(value, look);
  if (Array.isArray(value)) {
    return value.map((element: unknown, index) => plainElement(element, index, look));
  }
  if (typeof value === "object") return plainMembers(value, look);
  report(look, `is a ${typeof value}`, "plain JSON data");
  return null;
}

/** A deep copy as plain data; `findings` says where the input was something else. */
export function toPlainData(value: unknown): { data: JsonValue; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const data = plainValue(value, { findings, path: [] });
  return { data, findings };
}
