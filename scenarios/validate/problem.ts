/**
 * One thing that is wrong with a document, as data.
 * Printed it is one line: file, JSON pointer, what is wrong, what was expected.
 */
export interface Problem {
  readonly file: string;
  /** JSON pointer into the document; empty for the document as a whole. */
  readonly pointer: string;
  readonly message: string;
  readonly expected: string;
}

/** A problem that does not yet know its file: what the single checks yield. */
export type Finding = Omit<Problem, "file">;

export const finding = (pointer: string, message: string, expected: string): Finding => ({
  pointer,
  message,
  expected,
});

const oneLine = (text: string): string => text.replace(/\s*[\r\n]+\s*/g, " ");

export function formatProblem({ file, pointer, message, expected }: Problem): string {
  const place = pointer === "" ? file : `${file} ${pointer}`;
  return oneLine(`${place}: ${message}${expected === "" ? "" : ` (expected ${expected})`}`);
}

/** Appends members or indexes to a JSON pointer, escaped as RFC 6901 says. */
export function pointerTo(base: string, ...parts: readonly (string | number)[]): string {
  let pointer = base;
  for (const part of parts) {
    pointer += "/";
    pointer += typeof part === "number" ? part : escapePart(part);
  }
  return pointer;
}

const escapePart = (part: string): string =>
  part.includes("~") || part.includes("/")
    ? part.replaceAll("~", "~0").replaceAll("/", "~1")
    : part;

/** A value as it may stand in a one-line message. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length <= 60 ? json : json.slice(0, 57) + "...";
}
