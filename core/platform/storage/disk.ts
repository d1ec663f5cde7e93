/**
 * A disk: one medium behind a queue, with a volatile write cache. It loses power with its domain.
 *
 * Handlers: `io` (block contract), `arm-fault` (see faults.ts). Content: `platter`, what is durable.
 * Notices: "fault", and "lost-writes" {device, medium, writes, sectors} when a power loss undid
 * acknowledged writes. Every crash of the domain counts as a power loss.
 */
import {
  assert,
  component,
  type DomainId,
  type Entity,
  type Request,
  type SectorContent,
  SECTOR_BYTES,
  type SpawnOptions,
  type World,
} from "../../kernel/index.ts";
import { answer, type BlockRequest, isInRange, refused } from "./block.ts";
import {
  type Behaviour,
  createMedium,
  currentContent,
  durableContent,
  type DeviceConfig,
  type DeviceDurable,
  type DeviceEntity,
  type DeviceVolatile,
  initialDurable,
  initialVolatile,
} from "./device-state.ts";
import { served, submit } from "./device.ts";
import { type FaultRatesConfig, prepareRates } from "./fault-rates.ts";
import { type ArmFault, armFault } from "./faults.ts";
import { prepareTiming, type TimingConfig } from "./service-time.ts";
import { destage, losePower } from "./write-cache.ts";

/** What a disk and an array are configured by. */
export type MediumOptions = TimingConfig & {
  readonly queueDepth: number;
  /** Default: fifo. */
  readonly order?: "fifo" | "elevator";
  /** Volatile write cache; 0: every write is durable when acknowledged. */
  readonly cacheBytes: number;
  /** Age at which cached writes go to the medium by themselves. Default: 20 ms. */
  readonly destageNs?: number;
  readonly faultRates?: FaultRatesConfig;
};

export type DiskOptions = MediumOptions & { readonly sectors: number };

export type DiskConfig = DeviceConfig & { readonly sectors: number };

export type DiskEntity = Entity<DiskConfig, DeviceDurable, DeviceVolatile>;

const PLATTER = "platter";
const DESTAGE_NS = 20_000_000;

const PLATTER_ONLY: Behaviour = {
  media: () => [PLATTER],
  reserve: () => true,
  release: () => undefined,
  overwriting: () => true,
  derived: () => undefined,
  perform: (_self, { verb }) => refused("unknown-verb", verb),
  recheck: () => undefined,
  ended: (_self, _op, outcome) => outcome,
};

/** A disk as the functions that it shares with arrays take it. */
const device = (self: DiskEntity): DeviceEntity => self as unknown as DeviceEntity;

export const disk = component<DiskConfig, DeviceDurable, DeviceVolatile>({
  kind: "disk",
  durable: initialDurable,
  volatile: initialVolatile,
  handlers: {
    io: (self, request: Request<BlockRequest>) => {
      const { body } = request;
      if (isInRange(body, self.config.sectors)) return submit(device(self), PLATTER, body, request);
      answer(self, request, refused("out-of-range"));
    },
    served: (self, id: number) => served(device(self), PLATTER_ONLY, id),
    destage: (self) => destage(device(self)),
    "arm-fault": (self, request: Request<ArmFault>) =>
      armFault(device(self), PLATTER_ONLY, request),
  },
  crashed: (self) => losePower(device(self), [PLATTER]),
});

export function prepareMedium(options: MediumOptions): DeviceConfig {
  const { queueDepth, order = "fifo", cacheBytes, destageNs = DESTAGE_NS } = options;
  assert(Number.isInteger(queueDepth) && queueDepth >= 1, () => `queue depth ${queueDepth}`);
  return {
    timing: prepareTiming(options),
    queueDepth,
    order,
    cacheSectors: Math.floor(cacheBytes / SECTOR_BYTES),
    destageNs,
    rates: prepareRates(options.faultRates),
  };
}

/** A disk in the domain of `host`, under the name `HOST/disk-N` or `options.name`. */
export function spawnDisk(
  world: World,
  host: { readonly domain: DomainId } | Entity,
  options: DiskOptions & { readonly name?: string },
): DiskEntity {
  const { name, sectors } = options;
  const config = { ...prepareMedium(options), sectors };
  const place: SpawnOptions = "world" in host ? { creator: host } : {};
  const named = name === undefined ? place : { ...place, name };
  const entity = world.spawn(disk, config, { domain: host.domain, ...named });
  createMedium(device(entity), PLATTER, sectors);
  return entity;
}

/** What a disk will hold after a loss of power. Not to be changed. */
export function diskPlatter(self: DiskEntity): SectorContent {
  return durableContent(device(self), PLATTER);
}

/** What reads of a disk see now. Not to be changed. */
export function diskContent(self: DiskEntity): SectorContent {
  return currentContent(device(self), PLATTER);
}
