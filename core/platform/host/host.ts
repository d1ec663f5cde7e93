/**
 * A physical machine: memory that VMs reserve, a clock, sensors. A failure domain; its processor,
 * disks, page cache and running VMs are entities of the same domain.
 */
import {
  component,
  type DomainId,
  type Distribution,
  type Editable,
  type Entity,
  normal,
  type Request,
  type World,
} from "../../kernel/index.ts";
import { spawnPagePool, type PagePoolEntity } from "../storage/page-pool.ts";
import {
  type ClockConfig,
  type ClockState,
  disciplined,
  initialClock,
  offsetAt,
  pollError,
  stepped,
} from "./clock.ts";
import { cpu, type CpuEntity } from "./cpu.ts";

export type SensorConfig = {
  readonly id: string;
  readonly nominal: number;
  readonly noise: Distribution;
  readonly warningAt: number | null;
  readonly criticalAt: number | null;
  readonly periodNs: number;
};

export type HostOptions = {
  readonly cores: number;
  readonly memoryMiB: number;
  readonly quantumNs: number;
  readonly clock: ClockConfig;
  readonly pageCacheBytes: number;
  readonly sensors: readonly Omit<SensorConfig, "noise">[];
  /** Standard deviation of each sensor's readings, by id. */
  readonly sensorNoise: { readonly [sensor: string]: number };
};

export type HostConfig = {
  readonly memoryMiB: number;
  readonly clock: ClockConfig;
  readonly poll: Distribution | null;
  readonly sensors: readonly SensorConfig[];
};

/** A sensor that drifts away from its nominal reading. */
type Drift = {
  readonly sensor: string;
  readonly target: number;
  readonly fromNs: number;
  readonly overNs: number;
};

export type HostDurable = { readonly clock: ClockState; readonly drifts: readonly Drift[] };

export type HostState = {
  /** Memory reserved, by VM. */
  readonly reservedMiB: { readonly [vm: string]: number };
  readonly readings: { readonly [sensor: string]: number };
};

export type HostEntity = Entity<HostConfig, HostDurable, HostState>;

export type Host = {
  readonly host: HostEntity;
  readonly cpu: CpuEntity;
  readonly pool: PagePoolEntity;
};

export const host = component<HostConfig, HostDurable, HostState>({
  kind: "host",
  durable: ({ clock }) => ({ clock: initialClock(clock), drifts: [] }),
  volatile: () => ({ reservedMiB: {}, readings: {} }),
  handlers: {
    poll: (self) => poll(self),
    sense: (self, sensor: string) => sense(self, sensor),
    "clock-step": (self, { body }: Request<{ readonly stepNs: number }>) => {
      const { clock } = self.durable;
      self.editDurable().clock = stepped(self.config.clock, clock, self.simulatedNs, body.stepNs);
    },
    /** The reading goes to `target` within `overNs`: what precedes a failure. */
    degrade: (self, { body }: Request<Omit<Drift, "fromNs">>) => {
      const drift = { ...body, fromNs: self.simulatedNs };
      self.editDurable().drifts.push(drift as Editable<Drift>);
    },
  },
  restarted: (self) => startTimers(self),
});

/** A host with its processor and page cache memory, in a domain of its name. */
export function spawnHost(world: World, name: string, options: HostOptions): Host {
  const domain: DomainId = world.addDomain(name);
  const { cores, quantumNs, clock, memoryMiB, pageCacheBytes, sensorNoise } = options;
  const poll = clock.ntp === null ? null : pollError(clock.ntp);
  const sensors = options.sensors.map((sensor) => ({
    ...sensor,
    noise: normal(0, sensorNoise[sensor.id] ?? 0),
  }));
  const config: HostConfig = { memoryMiB, clock, poll, sensors };
  const entity = world.spawn(host, config, { domain, name });
  const creator = entity as unknown as Entity;
  const processor = world.spawn(cpu, { cores, quantumNs }, { creator, name: `${name}/cpu` });
  const pool = spawnPagePool(world, creator, { sizeBytes: pageCacheBytes, name: `${name}/pages` });
  startTimers(entity);
  return { host: entity, cpu: processor, pool };
}

/** What software on the host takes for the time, in nanoseconds since the start of the run. */
export function readClockNs(self: HostEntity): number {
  const now = self.simulatedNs;
  return now + offsetAt(self.config.clock, self.durable.clock, now);
}

/** Reserves memory for a VM; false when there is not enough. */
export function reserveMemory(self: HostEntity, vm: string, memoryMiB: number): boolean {
  if (memoryMiB > freeMemoryMiB(self)) return false;
  self.edit().reservedMiB[vm] = memoryMiB;
  return true;
}

/** Memory that no VM has reserved. */
export function freeMemoryMiB({ config, volatile }: HostEntity): number {
  const used = Object.values(volatile.reservedMiB).reduce((sum, each) => sum + each, 0);
  return config.memoryMiB - used;
}

export function releaseMemory(self: HostEntity, vm: string): void {
  delete self.edit().reservedMiB[vm];
}

function startTimers(self: HostEntity): void {
  const { clock, sensors } = self.config;
  if (clock.ntp !== null) self.after(clock.ntp.pollNs, "poll");
  for (const { id, periodNs } of sensors) self.after(periodNs, "sense", id);
}

function poll(self: HostEntity): void {
  const { clock, poll: error } = self.config;
  const { ntp } = clock;
  if (ntp === null || error === null) return;
  const errorNs = self.draw("ntp-error", error);
  const next = disciplined(clock, ntp, self.durable.clock, self.simulatedNs, errorNs);
  self.editDurable().clock = next;
  self.measure("clock-offset-ns", Math.abs(next.offsetNs));
  self.after(ntp.pollNs, "poll");
}

function sense(self: HostEntity, id: string): void {
  const sensor = self.config.sensors.find((each) => each.id === id)!;
  const reading = baseline(self, sensor) + self.draw(`sensor ${id}`, sensor.noise);
  const before = self.volatile.readings[id] ?? sensor.nominal;
  self.edit().readings[id] = reading;
  self.measure(`sensor ${id}`, reading);
  tellCrossing(self, sensor, "warning", sensor.warningAt, before, reading);
  tellCrossing(self, sensor, "critical", sensor.criticalAt, before, reading);
  self.after(sensor.periodNs, "sense", id);
}

/** The nominal reading, or where a drift has brought it. */
function baseline(self: HostEntity, { id, nominal }: SensorConfig): number {
  const drift = self.durable.drifts.findLast(({ sensor }) => sensor === id);
  if (drift === undefined) return nominal;
  const elapsedNs = Math.min(drift.overNs, self.simulatedNs - drift.fromNs);
  if (drift.overNs === 0) return drift.target;
  return nominal + Math.trunc(((drift.target - nominal) * elapsedNs) / drift.overNs);
}

function tellCrossing(
  self: HostEntity,
  sensor: SensorConfig,
  level: string,
  limit: number | null,
  before: number,
  reading: number,
): void {
  if (limit === null) return;
  const rising = limit >= sensor.nominal;
  const isBeyond = (value: number): boolean => (rising ? value >= limit : value <= limit);
  if (isBeyond(reading) && !isBeyond(before)) {
    self.notice("sensor", { host: self.name, sensor: sensor.id, level, reading });
  }
}
