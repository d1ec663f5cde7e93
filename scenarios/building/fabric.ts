/** Hosts, arrays and links of a document as entities of a world. Units become base units here. */
import { type Entity, fromMs, fromUs, type World } from "../../core/kernel/index.ts";
import {
  type ArrayEntity,
  type DiskEntity,
  type DiskOptions,
  type FaultRatesConfig,
  type Host,
  type LinkEntity,
  type LinkOptions,
  type MediumOptions,
  type ServiceTime,
  spawnArray,
  spawnDisk,
  spawnHost,
  spawnLink,
  spawnVvols,
  spawnNic,
} from "../../core/platform/index.ts";
import type {
  ResolvedFaultRates,
  ResolvedHost,
  ResolvedHostDisk,
  ResolvedLatencyUs,
  ResolvedLink,
  ResolvedStorageArray,
} from "../schema/scenario.generated.ts";

export const MIB = 1_048_576;
export const SECTORS_PER_MIB = 2_048;

export interface Fabric {
  readonly hosts: ReadonlyMap<string, Host>;
  readonly arrays: ReadonlyMap<string, ArrayEntity>;
  /** By `host/disk`. */
  readonly hostDisks: ReadonlyMap<string, DiskEntity>;
  readonly links: ReadonlyMap<string, LinkEntity>;
}

export function buildFabric(
  world: World,
  hosts: readonly ResolvedHost[],
  arrays: readonly ResolvedStorageArray[],
  links: readonly ResolvedLink[],
): Fabric {
  const builtHosts = new Map(hosts.map((each) => [each.id, buildHost(world, each)]));
  const builtArrays = new Map(arrays.map((each) => [each.id, buildArray(world, each)]));
  const hostDisks = new Map<string, DiskEntity>();
  for (const { id, disks } of hosts) {
    const creator = builtHosts.get(id)!.host as unknown as Entity;
    for (const disk of disks) {
      const name = `${id}/${disk.id}`;
      hostDisks.set(name, spawnDisk(world, creator, { ...diskOptions(disk), name }));
    }
  }
  const domainOf = (id: string) => world.registry.domainNamed(id)!;
  const network = world.addDomain("network");
  const nics = new Map(
    hosts.map(({ id, nic }) => {
      const bitsPerSecond = nic.bandwidthMbps * 1_000_000;
      return [id, spawnNic(world, network, `${id}/nic`, { bitsPerSecond }).id];
    }),
  );
  const builtLinks = new Map(
    links.map((each) => {
      const [a, b] = each.between;
      const options: LinkOptions = {
        ends: [domainOf(a), domainOf(b)],
        nics: [nics.get(a) ?? -1, nics.get(b) ?? -1],
        domain: network,
        ...linkOptions(each),
      };
      return [each.id, spawnLink(world, each.id, options)];
    }),
  );
  return { hosts: builtHosts, arrays: builtArrays, hostDisks, links: builtLinks };
}

function buildHost(world: World, host: ResolvedHost): Host {
  const { cores, memoryMiB, clock, scheduler, pageCache, sensors } = host;
  const { ntp } = clock;
  return spawnHost(world, host.id, {
    cores,
    memoryMiB,
    quantumNs: fromUs(scheduler.quantumUs),
    clock: {
      offsetNs: fromUs(clock.offsetUs),
      driftPpm: clock.driftPpm,
      ntp:
        ntp === undefined
          ? null
          : {
              pollNs: fromMs(ntp.pollMs),
              errorNs: fromUs(ntp.errorUs),
              maxSlewPpm: ntp.maxSlewPpm,
              stepThresholdNs: fromUs(ntp.stepThresholdUs),
            },
    },
    pageCacheBytes: pageCache.sizeMiB * MIB,
    sensors: sensors.map(({ id, nominal, warningAt, criticalAt, periodMs }) => ({
      id,
      nominal,
      warningAt: warningAt ?? null,
      criticalAt: criticalAt ?? null,
      periodNs: fromMs(periodMs),
    })),
    sensorNoise: Object.fromEntries(sensors.map(({ id, noise }) => [id, noise])),
  });
}

function buildArray(world: World, array: ResolvedStorageArray): ArrayEntity {
  const domain = world.addDomain(array.id);
  const entity = spawnArray(world, {
    name: array.id,
    domain,
    ...mediumOptions(array),
    capacityBytes: array.capacityMiB * MIB,
    cacheProtected: array.writeCacheProtected,
  });
  if (array.kind === "cow") spawnVvols(entity, { chunkSectors: array.chunkKiB * 2 });
  return entity;
}

function diskOptions(disk: ResolvedHostDisk): DiskOptions {
  return { ...mediumOptions(disk), sectors: disk.sizeMiB * SECTORS_PER_MIB };
}

type Medium = Omit<ResolvedHostDisk, "id" | "sizeMiB">;

function mediumOptions(medium: Medium): MediumOptions {
  return {
    readNs: serviceTime(medium.readLatencyUs),
    writeNs: serviceTime(medium.writeLatencyUs),
    flushNs: serviceTime(medium.flushUs),
    seekNs: fromUs(medium.seekUs),
    bytesPerSecond: medium.transferMBps * 1_000_000,
    queueDepth: medium.queueDepth,
    cacheBytes: medium.writeCacheMiB * MIB,
    faultRates: faultRates(medium.faultRates),
  };
}

function faultRates(rates: ResolvedFaultRates): FaultRatesConfig {
  return {
    lostWrite: rates.lostWritePerMillion,
    misdirectedWrite: rates.misdirectedWritePerMillion,
    lyingFlush: rates.lyingFlushPerMillion,
    latentError: rates.latentErrorPerMillion,
    bitRot: rates.bitRotPerMillion,
    tornWrite: rates.tornWritePerMillion,
  };
}

function serviceTime(latency: ResolvedLatencyUs): ServiceTime {
  if (typeof latency === "number") return fromUs(latency);
  return { medianNs: fromUs(latency.median), p99Ns: fromUs(latency.p99) };
}

function linkOptions(link: ResolvedLink) {
  return {
    bitsPerSecond: link.bandwidthMbps * 1_000_000,
    latencyNs: fromUs(link.latencyUs),
    jitterNs: fromUs(link.jitterUs),
    lossPerMillion: link.lossPerMillion,
    duplicatePerMillion: link.duplicatePerMillion,
    reorderPerMillion: link.reorderPerMillion,
    queueBytes: link.queueKiB * 1_024,
  };
}
