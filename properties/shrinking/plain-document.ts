/**
 * A resolved document as a person would write it: without what is the default anyway. Must hold:
 * it resolves to the very same document.
 */
import {
  type Extension,
  type JsonValue,
  type ResolvedScenario,
  validateDocument,
} from "../../scenarios/index.ts";
import { at, paths, without } from "./tree.ts";

/** Members in any order are the same document; lists are not. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Members that follow from others although the schema gives them no default. */
export function plainDocument(
  document: ResolvedScenario,
  extensions: readonly Extension[],
): JsonValue {
  const resolved = (value: JsonValue): string | undefined => {
    const checked = validateDocument(value, { file: "document", extensions });
    return checked.ok ? text(checked.document) : undefined;
  };
  let plain = document as unknown as JsonValue;
  const meant = resolved(plain);
  // What is contained comes after what contains it, and may be gone by then.
  for (const path of paths(plain)) {
    if (typeof path.at(-1) === "number" || at(plain, path) === undefined) continue;
    const smaller = without(plain, path);
    if (resolved(smaller) === meant) plain = smaller;
  }
  return plain;
}
