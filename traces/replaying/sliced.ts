/**
 * Long work in slices: a generator that yields whenever an interruption may come. Whoever calls it
 * decides whether to look for one.
 */

export type Sliced<T> = Generator<undefined, T>;

/** All of it at once. */
export function finish<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The event loop gets a turn after each slice; undefined when the signal came. */
export async function finishUnless<T>(
  signal: AbortSignal,
  work: Sliced<T>,
): Promise<T | undefined> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) return undefined;
  }
}
