/**
 * The memory of a running virtual machine as an entity of its host: the page-trace service. Requests:
 * `trace` (a TraceWish), `take-dirty` ({client, by}), `untrace` ({client}); the first two are answered
 * once the traces count, with {dirty}: how many pages are in the bitmap `taken`.
 */
import { component, type Entity, type Request } from "../../kernel/index.ts";
import { goOnStoring } from "../integrity/stores.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import { MACHINE_KIND } from "../rv64/end-entry.ts";
import type { NoState } from "../vm-record.ts";
import type { VmEntity } from "../vm-state.ts";
import { flushTlb, removeTraces, setTraces, takeDirty, type TraceWish } from "./clients.ts";
import { TRACE_COSTS } from "./costs.ts";
import {
  clientOf,
  knownMemory,
  type MemoryComponent,
  type MemoryConfig,
  type MemoryEntity,
  type MemoryState,
} from "./memory-state.ts";
import { tellHeld } from "./held.ts";
import { fillAtBoot, memoryNumber } from "./touches.ts";

export const guestMemory: MemoryComponent = component<MemoryConfig, NoState, MemoryState>({
  kind: "guest-memory",
  volatile: ({ vcpus }) => ({
    flushed: new Array<number>(vcpus).fill(0),
    owedNs: new Array<number>(vcpus).fill(0),
    generation: 0,
    clients: [],
    batch: null,
    cursor: 0,
    turn: 0,
    deviceCursor: 0,
    figures: { faults: 0, splits: 0, flushes: 0, chargedNs: 0, lostWrites: 0 },
    held: null,
    released: null,
    hitNs: 0,
  }),
  handlers: {
    trace: (self, request: Request<TraceWish>) => {
      if (clientOf(self, request.body.client) !== undefined) return self.refuse(request, "busy");
      setTraces(self, request.body, request);
    },
    "take-dirty": (self, request: Request<Pick<TraceWish, "client" | "by">>) => {
      const client = clientOf(self, request.body.client);
      if (client === undefined) return self.refuse(request, "gone");
      if (client.pending !== null) return self.refuse(request, "busy");
      takeDirty(self, request.body.client, request.body.by, request);
    },
    untrace: (self, request: Request<{ readonly client: string }>) => {
      removeTraces(self, request.body.client);
      self.reply(request, {});
    },
    /** The guest has come to an access that is held: its client's owner hears of it. */
    held: (self, _arg: number) => tellHeld(self),
    /** A store that was held may proceed. */
    stores: (self, _arg: number) => goOnStoring(self),
    flush: (self, arg: { vcpu: number; generation: number; pays: boolean }) => flushTlb(self, arg),
  },
});

/** It goes with its run; owners of traces that would wait for the guest's next access hear of it. */
export function removeMemory(vm: VmEntity | MachineEntity): void {
  const { world } = vm;
  const memory = knownMemory(vm);
  if (memory === undefined) return;
  const owners = memory.volatile.clients.map(({ owner }) => world.entityOrNone(owner));
  world.remove(memory as unknown as Entity);
  for (const owner of owners) {
    if (owner?.handlers["memory-gone"] !== undefined) world.call(owner, "memory-gone", null);
  }
}

/** The memory of a run, made when it is first needed. `isEmpty`: what it holds comes from elsewhere. */
export function memoryOf(vm: VmEntity, isEmpty = false): MemoryEntity {
  const known = knownMemory(vm);
  if (known !== undefined) return known;
  const { spec, record } = vm.config;
  const config: MemoryConfig = {
    vm: vm.id,
    record,
    pages: spec.memoryPages,
    vcpus: spec.vcpus,
    isReal: vm.kind === MACHINE_KIND,
    number: memoryNumber(record),
    costs: TRACE_COSTS,
  };
  const name = `${vm.name}/memory`;
  const made = vm.world.spawn(guestMemory, config, { creator: vm as unknown as Entity, name });
  if (!config.isReal && !isEmpty) fillAtBoot(made);
  return made;
}
