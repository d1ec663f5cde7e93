/** The destination's part of a post-copy move: a machine runs here, and its pages come. */
import type { EntityId, Plain, Request } from "../../kernel/index.ts";
import {
  absentPages,
  bitmapRanges,
  knownMemory,
  lackAll,
  memoryOf,
  type RunImage,
  type VmEntity,
} from "../../vmm/index.ts";
import { type AgentEntity, type Coming, editComing, forget, known } from "../coming.ts";
import type { PackedPages } from "../packing.ts";
import type { AboutMove } from "../settings.ts";
import { ABSENT_CLIENT, fetcher, type Fetcher, finishIfThere, lose, place } from "./fetcher.ts";
import type { Lacks } from "./pushing.ts";

/**
 * Before it runs: none of its pages is there, and somebody brings them. Those that a restore has yet to
 * bring are not at the source either.
 */
export function expectPages(
  self: AgentEntity,
  coming: Coming,
  run: VmEntity,
  { memory: kept }: RunImage,
): void {
  const { vm: name, source, agent, patienceNs, prefetch } = coming;
  const memory = memoryOf(run);
  const made = self.world.spawn(
    fetcher,
    {
      name,
      vm: run.id,
      memory: memory.id,
      source,
      agent,
      patienceNs: patienceNs!,
      ...(prefetch && { prefetch }),
    },
    { creator: run as never, label: "fetcher" },
  );
  lackAll(memory, ABSENT_CLIENT, made.id);
  const absent = absentPages(memory, ABSENT_CLIENT);
  for (const { onMove, armed } of kept.clients) {
    if (onMove !== "before-copy") continue;
    for (const { page, pages } of armed) {
      for (let each = page; each < page + pages; each++) absent.delete(each);
    }
  }
  editComing(self, name).fetcher = made.id;
}

const fetcherOf = (self: AgentEntity, id: EntityId | undefined): Fetcher | undefined =>
  self.world.entityOrNone(id ?? -1) as unknown as Fetcher | undefined;

/** False: the machine is not one that runs here. */
export function takePushed(self: AgentEntity, coming: Coming, packed: PackedPages): boolean {
  const brings = fetcherOf(self, coming.fetcher);
  if (coming.stage !== "filling" || brings === undefined) return false;
  place(brings, packed);
  return true;
}

/** Which pages the source has to send again; none: it can forget the machine, as is done here. */
export function tellLacks(self: AgentEntity, request: Request<AboutMove>): void {
  const coming = known(self, request as never);
  if (coming?.stage !== "filling") return self.refuse(request, "unknown");
  const brings = fetcherOf(self, coming.fetcher);
  const run = self.world.entityOrNone(coming.instance) as unknown as VmEntity | undefined;
  const memory = run === undefined ? undefined : knownMemory(run);
  if (brings === undefined) return self.refuse(request, "unknown");
  finishIfThere(brings);
  const ranges =
    memory === undefined || brings.volatile.stage !== "filling"
      ? []
      : bitmapRanges(absentPages(memory, ABSENT_CLIENT));
  const lacks: Lacks = { ranges, figures: brings.volatile.figures };
  self.reply(request, lacks as unknown as Plain);
  if (ranges.length === 0) forgetFilling(self, coming, null);
}

/** All of it is here, or the source has forgotten what is missing. */
export function forgetFilling(self: AgentEntity, coming: Coming, problem: string | null): void {
  const brings = fetcherOf(self, coming.fetcher);
  forget(self, coming.vm);
  if (brings === undefined) return;
  if (problem !== null) lose(brings, problem);
  self.world.remove(brings as never);
}
