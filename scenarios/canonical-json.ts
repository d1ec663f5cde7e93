/**
 * Canonical JSON of a document, and its hash: what traces carry and compare.
 * Equal documents have equal text: members in sorted order, absent members left out, no spaces.
 */
import { createHash } from "node:crypto";

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.keys(members)
      .sort()
      .map((key) => [key, sorted(members[key])]),
  );
};

export const canonicalJson = (document: unknown): string => JSON.stringify(sorted(document));

/** SHA-256 of the canonical JSON, in hex. */
export const documentHash = (document: unknown): string =>
  createHash("sha256").update(canonicalJson(document)).digest("hex");
