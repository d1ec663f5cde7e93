/** Values and events as short text for one line. */

const MOST_CHARACTERS = 100;

/** JSON, cut to one screen line; bytes as their length. */
export function shortText(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? `${each.length} bytes` : each,
  );
  if (text === undefined) return "";
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS - 1)}…`;
}
