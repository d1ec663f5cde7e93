/**
 * A world for tests of virtual machines: two hosts, one shared store, and a disk in each host that
 * acknowledges writes from a volatile cache. Planted bugs are switched on by name.
 */
import {
  bernoulli,
  component,
  type ContentRun,
  type DrawSource,
  type EntityId,
  exponential,
  type Request,
  World,
} from "../../kernel/index.ts";
import type { BlockRequest } from "../../platform/index.ts";
import type { GuestSpec, PreparedCapture } from "../../guest/index.ts";
import { capturedGuest, prepareCapture, workloadConfig, workloadGuest } from "../../guest/index.ts";
import {
  attachDisks,
  type BoundaryEntry,
  createVmm,
  powerOn,
  spawnVmRecord,
  vmInvariants,
  type VmEntity,
  type VmRecord,
} from "../index.ts";

export const SECTORS = 4_096;

export type Bug = "none" | "forgets-flushed" | "wrong-sector" | "stale-read";

type DiskConfig = { readonly store: EntityId; readonly bug: Bug };
type Cached = {
  readonly sector: number;
  readonly sectors: number;
  readonly runs: readonly ContentRun[];
};
type DiskState = { readonly cache: readonly Cached[]; readonly count: number };

const store = component<Record<string, never>, Record<string, never>, Record<string, never>>({
  kind: "fake-store",
  shared: true,
  handlers: {},
});

const latency = exponential(100_000);
const half = bernoulli(1, 2);

const disk = component<DiskConfig, Record<string, never>, DiskState>({
  kind: "fake-disk",
  volatile: () => ({ cache: [], count: 0 }),
  handlers: {
    io: (self, request: Request<BlockRequest>) => {
      self.after(1_000 + self.draw("latency", latency), "serve", request as never);
    },
    serve: (self, request: Request<BlockRequest>) => {
      const { body } = request;
      const state = self.edit();
      const count = ++state.count;
      const { bug } = self.config;
      const content = self.world.entity(self.config.store).content("platter", SECTORS);
      if (body.op === "read") {
        const merged = content.fork();
        const cache = bug === "stale-read" && count % 50 === 0 ? [] : self.volatile.cache;
        for (const { sector, runs } of cache) merged.write(sector, runs);
        return self.reply(request, { runs: merged.read(body.sector, body.sectors) });
      }
      if (body.op === "flush") {
        const cache = state.cache as Cached[];
        const kept = bug === "forgets-flushed" && count % 5 === 0 ? cache.slice(1) : cache;
        for (const { sector, runs } of kept) content.write(sector, runs);
        state.cache = [];
      } else {
        const zeros: ContentRun[] = [{ kind: "zero", sectors: body.sectors }];
        const off = bug === "wrong-sector" && count % 40 === 0 && body.sector > 0 ? 1 : 0;
        const runs = body.op === "write" ? body.runs : zeros;
        const written = { sector: body.sector - off, sectors: body.sectors, runs };
        (state.cache as Cached[]).push(written);
      }
      self.reply(request, {});
    },
  },
  crashed: (self) => {
    const content = self.world.entity(self.config.store).content("platter", SECTORS);
    for (const { sector, runs } of self.volatile.cache) {
      if (self.draw("survives", half) === 1) content.write(sector, runs);
    }
  },
});

/** Requests of every kind, several under way at once, on a small disk so that they overlap. */
export function testCapture(requests = 400): PreparedCapture {
  const atUs = new Float64Array(requests);
  const op = new Uint8Array(requests);
  const sector = new Float64Array(requests);
  const sectors = new Uint32Array(requests);
  const responseUs = new Float64Array(requests);
  let seed = 12_345;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let index = 0; index < requests; index++) {
    atUs[index] = index === 0 ? 0 : atUs[index - 1]! + next(300);
    const kind = next(20);
    op[index] = kind < 7 ? 0 : kind < 17 ? 1 : kind < 19 ? 2 : 3;
    sectors[index] = op[index] === 2 ? 0 : 1 + next(24);
    sector[index] = op[index] === 2 ? 0 : next(300);
    responseUs[index] = 20 + next(900);
  }
  return prepareCapture({ sha256: "test", atUs, op, sector, sectors, responseUs });
}

export const inputs = { capture: () => CAPTURE };
const CAPTURE = testCapture();

export function specOf(
  vm: string,
  kind: "capture" | "workload",
  number: number,
  vcpus = 1,
): GuestSpec {
  const disks = [{ id: "data", sectors: SECTORS, number, losesUnflushed: true }];
  const captured = {
    bootNs: 1_000_000,
    capture: "test",
    disk: 0,
    pacing: "closed" as const,
    timeScale: 1,
    flushEvery: 0,
    wrap: false,
  };
  const block = { disk: 0, sectors: 8, regionSectors: 512, flushEvery: 8 };
  const workload = workloadConfig({
    bootNs: 1_000_000,
    repeat: true,
    phases: [
      {
        name: "busy",
        durationNs: 30_000_000,
        threads: 2,
        busyPercent: 30,
        memory: {
          workingSetPages: 1_000,
          readsPerSecond: 50_000,
          writesPerSecond: 7_333,
          distribution: "uniform",
        },
        block: [
          {
            ...block,
            readPercent: 50,
            distribution: "zipf",
            pacing: { kind: "closed", outstanding: 3, thinkNs: 100_000 },
          },
          {
            ...block,
            readPercent: 20,
            distribution: "uniform",
            pacing: { kind: "open", requestsPerSecond: 2_000 },
          },
        ],
        network: [{ to: "peer", messagesPerSecond: 500, bytes: 400, delivery: "stream" }],
        events: [{ name: "tick", atNs: 5_000_000 }],
      },
      {
        name: "quiet",
        durationNs: 5_000_000,
        threads: 1,
        busyPercent: 0,
        block: [],
        network: [],
        events: [],
      },
    ],
  });
  const config = kind === "capture" ? captured : workload;
  return { vm, kind, config, disks, vcpus, memoryPages: 4_096 };
}

export interface SmallWorld {
  readonly world: World;
  readonly hosts: readonly number[];
  readonly records: readonly VmRecord[];
  readonly start: (record: VmRecord, host: number) => VmEntity | undefined;
  readonly boundary: BoundaryEntry[];
  readonly findings: () => string[];
}

export function smallWorld(
  options: {
    readonly seed?: number;
    readonly bug?: Bug;
    readonly kind?: "capture" | "workload";
    readonly vcpus?: number;
    readonly stopsAtAlerts?: true;
    readonly replay?: DrawSource;
    readonly log?: (entity: string, purpose: string, result: number) => void;
  } = {},
): SmallWorld {
  const { seed = 1, bug = "none", kind = "capture", vcpus = 1, log, stopsAtAlerts } = options;
  const world: World = new World({
    gate: {
      seed,
      ...(log && {
        sink: (streams: Uint32Array, results: Float64Array) =>
          streams.forEach((stream, index) => {
            const { entity, purpose } = world.gate.streamName(stream);
            log(entity, purpose, results[index]!);
          }),
      }),
    },
  });
  const outside = world.addDomain("outside");
  const hosts = [world.addDomain("alpha"), world.addDomain("beta")];
  const vmm = createVmm(inputs);
  world.register(store as never, disk as never);
  world.addInvariants(vmInvariants);
  const records = ["db", "peer"].map((vm, at) => {
    world.spawn(store, {}, { domain: outside, name: `${vm}-store` });
    return spawnVmRecord(world, vmm, outside, {
      spec: specOf(vm, kind, at + 1, vcpus),
      shares: 1_000,
      ...(stopsAtAlerts && { stopsAtAlerts }),
    });
  });
  const start = (record: VmRecord, host: number): VmEntity | undefined => {
    const vm = powerOn(record, { domain: hosts[host]!, cpu: -1 });
    if (vm === undefined) return undefined;
    const config = { store: world.named(`${record.name}-store`).id, bug };
    const opened = world.spawn(disk, config, { creator: vm as never, name: `${vm.name}/data` });
    attachDisks(vm, [opened.id]);
    return vm;
  };
  const boundary: BoundaryEntry[] = [];
  world.hooks.onNotice = ({ kind: notice, data }) => {
    if (notice === "boundary") boundary.push(structuredClone(data) as unknown as BoundaryEntry);
  };
  const findings = (): string[] => world.checker.violations.map((each) => each.invariant);
  return { world, hosts, records, start, boundary, findings };
}

export const kindsForTests = [capturedGuest, workloadGuest];
