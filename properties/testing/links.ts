/** Links that are cut, and heal, at a moment of a test's choosing. */
import type { World } from "../../core/kernel/index.ts";

/** Both directions of the link of this name, before anything else happens. */
export function tellLink(world: World, link: string, handler: "cut" | "heal"): void {
  const request = { from: -1, askId: 0, delivery: "stream", via: -1, body: { from: -1 } };
  world.named(link).after(0, handler, request as never);
}
