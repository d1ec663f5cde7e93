/** Saving in the background ends, whether the machine stands still now or nothing comes of it. */
import type { Request } from "../../kernel/index.ts";
import { type MemoryEntity, removeTraces } from "../../vmm/index.ts";
import type { Saver } from "./saver-state.ts";

/** Clients of the page traces: who touches a page first, and who writes it. */
export const ACTIVE_CLIENT = "suspend-active";
export const DIRTY_CLIENT = "suspend-dirty";

/** Its traces go; who waits hears that nothing will come of it. */
export function dropBackground(
  self: Saver,
  memory: MemoryEntity | undefined,
  failure: string | null = null,
): void {
  const { background } = self.volatile;
  if (background === null) return;
  if (memory !== undefined) {
    removeTraces(memory, ACTIVE_CLIENT);
    removeTraces(memory, DIRTY_CLIENT);
  }
  self.edit().background = null;
  if (background.request !== null) {
    self.refuse(background.request as Request, failure ?? "closed");
  }
}
