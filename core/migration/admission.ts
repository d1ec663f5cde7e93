/**
 * What a host looks at before a machine may come: memory, cores, and each array that holds a disk of
 * it, which is asked for something over every path from here.
 *
 * Must hold: nothing but the memory is taken before all of it is found good; a refusal gives that back.
 */
import { type Plain, type PlainObject, type Reply, type Request } from "../kernel/index.ts";
import { configurationFile } from "../disks/index.ts";
import { type CpuEntity, freeMemoryMiB, releaseMemory, reserveMemory } from "../platform/index.ts";
import { spawnArrivingRun, type Vmm, type VmRecord } from "../vmm/index.ts";
import {
  addComing,
  type AgentEntity,
  type Coming,
  editComing,
  forget,
  hostOf,
  LOOK_NS,
} from "./coming.ts";
import { noteMedia, pickMedia } from "./local-disks/media.ts";
import type { Far, Reservation } from "./settings.ts";

/** From the time-out of an unreachable array on there is an answer before the source gives up. */
const PROBE_NS = 500_000_000;

type Probe = { readonly vm: string; readonly source: number; readonly array: string };

export function reserve(self: AgentEntity, request: Request<Reservation & PlainObject>): void {
  const { body } = request;
  const { vm, record, opening } = body;
  if (self.volatile.coming[vm] !== undefined) return self.refuse(request, "busy");
  const host = hostOf(self);
  const { vcpus } = (self.world.entity(record) as unknown as VmRecord).config.spec;
  const { cores } = (self.world.entity(opening.cpu) as unknown as CpuEntity).config;
  if (vcpus > cores) return self.refuse(request, "no-cores", { needs: vcpus, has: cores });
  const picked = pickMedia(self, body);
  if (!picked.ok) return self.refuse(request, picked.code, picked.detail);
  const freeMiB = freeMemoryMiB(host);
  if (!reserveMemory(host, vm, opening.memoryMiB)) {
    return self.refuse(request, "no-memory", { needsMiB: opening.memoryMiB, freeMiB });
  }
  const coming: Coming = {
    ...body,
    opening: { ...opening, local: picked.local } as typeof opening,
    instance: -1,
    stage: "admitting",
    heardAtNs: self.simulatedNs,
    waiting: [request],
    unreached: {},
  };
  addComing(self, coming);
  noteMedia(self, body, body.agent, "coming", picked.local);
  if (Object.keys(self.volatile.coming).length === 1) self.after(LOOK_NS, "look");
  probeArrays(self, coming);
}

/** Any answer will do: the array is there. */
function probeArrays(self: AgentEntity, { vm, source, opening, files = [] }: Coming): void {
  const unreached = editComing(self, vm).unreached!;
  const toDisks = opening.disks.map(({ disk, access }) => ({ ...access, disk }));
  const toFiles = files.map((file) => ({ ...file, disk: null }));
  for (const { disk, array: id, paths } of [...toDisks, ...toFiles]) {
    const { name: array } = self.world.entity(id);
    if (unreached[array] !== undefined) continue;
    unreached[array] = paths.length;
    if (paths.length === 0) return refuse(self, vm, "no-path", disk);
    const tag: Probe = { vm, source, array };
    const file = { name: configurationFile(vm) };
    for (const via of paths) {
      const options = { then: "probed", tag, timeoutNs: PROBE_NS, via };
      self.ask(id, "file-read", file, options);
    }
  }
  if (Object.keys(unreached).length === 0) self.after(0, "admit", vm);
}

export function probed(self: AgentEntity, vmm: Vmm, reply: Reply): void {
  const { vm, source, array } = reply.tag as Probe;
  const coming = self.volatile.coming[vm];
  const left = coming?.unreached?.[array];
  if (coming?.source !== source || coming.stage !== "admitting" || left === undefined) return;
  const { unreached } = editComing(self, vm);
  if (reply.ok || reply.code !== "timeout") {
    delete unreached![array];
    if (Object.keys(unreached!).length === 0) admit(self, vmm, vm);
  } else if (left > 1) unreached![array] = left - 1;
  else if (isForDisks(self, coming, array)) refuse(self, vm, "no-path", array);
  else {
    // Without it the machine can come once all of its pages are at the source.
    editComing(self, vm).isFar = true;
    delete unreached![array];
    if (Object.keys(unreached!).length === 0) admit(self, vmm, vm);
  }
}

const isForDisks = ({ world }: AgentEntity, { opening }: Coming, array: string): boolean =>
  opening.disks.some(({ access }) => world.entity(access.array).name === array);

function refuse(self: AgentEntity, vm: string, code: string, detail: Plain): void {
  const { waiting } = self.volatile.coming[vm]!;
  forget(self, vm);
  releaseMemory(hostOf(self), vm);
  for (const request of waiting) self.refuse(request, code, detail);
}

/** All is well: there is room for it, and the machine may be sent. */
export function admit(self: AgentEntity, vmm: Vmm, vm: string): void {
  const coming = self.volatile.coming[vm];
  if (coming?.stage !== "admitting") return;
  const { waiting } = coming;
  const record = self.world.entity(coming.record) as unknown as VmRecord;
  const place = { domain: self.domain, cpu: coming.opening.cpu };
  const instance = spawnArrivingRun(vmm, record, coming.run, place).id;
  const state = editComing(self, vm);
  state.instance = instance;
  state.stage = "copying";
  state.waiting = [];
  delete state.unreached;
  const { local } = coming.opening;
  const media = local.map(({ device }) => device);
  const far: Far = coming.isFar === true ? { isFar: true } : {};
  const told = local.length === 0 ? { instance, ...far } : { instance, media, ...far };
  for (const request of waiting) self.reply(request, told);
}
