/**
 * What an operation calls itself where that must not be taken for another start of the same id: an entry
 * of the timeline may be started again after its first start was lost.
 */

/** No id that a document gives has this sign. */
const START_SIGN = "~";

/** Also the name that the operation has, when that is free. */
export const identityOf = (id: string, start = 1): string =>
  start === 1 ? id : `${id}${START_SIGN}${start}`;

export function startOf(identity: string): { readonly id: string; readonly start: number } {
  const at = identity.lastIndexOf(START_SIGN);
  const start = at < 0 ? NaN : Number(identity.slice(at + 1));
  return Number.isInteger(start)
    ? { id: identity.slice(0, at), start }
    : { id: identity, start: 1 };
}
