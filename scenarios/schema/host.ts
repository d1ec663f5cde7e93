/** Hosts: cores, memory, clock, scheduler, page cache, own disks, sensors and network interface. */
import { diskModelMembers } from "./disk-model.ts";
import type { JsonSchema } from "./json-schema.ts";
import { amount, count, id, list, microseconds, milliseconds, object, part } from "./members.ts";
import { evacuationDefinition } from "./operations/evacuation.ts";

const ntp: JsonSchema = object(
  "NTP-like discipline: polls true time with an error and slews, or steps, the clock towards it.",
  {
    pollMs: milliseconds("Time between two polls.", 16_000, { minimum: 1 }),
    errorUs: microseconds("Largest error of one poll, either way.", 200),
    maxSlewPpm: amount("Fastest slew, in millionths of a second per second.", 500, {
      maximum: 100_000,
    }),
    stepThresholdUs: microseconds("Offsets beyond this are stepped instead of slewed.", 128_000),
  },
);

const clock: JsonSchema = object(
  "The host's clock, which its software reads instead of true time.",
  {
    offsetUs: {
      ...microseconds("Clock minus true time at the start.", 0),
      minimum: -86_400_000_000,
    },
    driftPpm: {
      ...amount("How fast the clock gains (or, negative, loses), in millionths.", 0),
      minimum: -10_000,
      maximum: 10_000,
    },
    ntp: part("Discipline of the clock; absent = it runs free.", "Ntp"),
  },
);

const scheduler: JsonSchema = object("The proportional-share processor scheduler.", {
  quantumUs: microseconds("Longest time a vCPU runs before others get their turn.", 5_000, {
    minimum: 1,
  }),
});

const pageCache: JsonSchema = object(
  "The host's page cache, used by virtual disks whose `cacheMode` is not `none`.",
  {
    sizeMiB: count("Size of the cache; the least recently used page goes first.", 1_024, {
      minimum: 1,
    }),
    writebackMs: milliseconds("Age at which dirty pages are written back.", 5_000, { minimum: 1 }),
  },
);

const hostDisk: JsonSchema = object(
  "A disk in the host: it loses power with the host.",
  {
    id: id("Name of the disk, unique in its host; virtual disks name it as `host/disk`."),
    sizeMiB: count("Capacity.", 1_048_576, { minimum: 1, maximum: 67_108_864 }),
    ...diskModelMembers,
  },
  ["id"],
);

const sensor: JsonSchema = object(
  "A sensor of the host. The fault `degrade` drives its reading away from nominal.",
  {
    id: id("Name of the sensor, unique in its host, for instance `inletCelsius`."),
    nominal: { type: "number", description: "Reading of a healthy host, in the sensor's unit." },
    noise: amount("Standard deviation of a single reading.", 0),
    warningAt: { type: "number", description: "Reading from which a warning is raised." },
    criticalAt: { type: "number", description: "Reading from which the host is critical." },
    periodMs: milliseconds("Time between two readings.", 1_000, { minimum: 1 }),
  },
  ["id", "nominal"],
);

const nic: JsonSchema = object(
  "The network interface: its rate is shared by all links of the host.",
  {
    bandwidthMbps: amount("Line rate in 10^6 bits a second, each way.", 25_000, {
      exclusiveMinimum: 0,
    }),
  },
);

const host: JsonSchema = object(
  "A physical machine; a failure domain of its own.",
  {
    id: id("Name of the host."),
    rack: id("Rack whose power the host shares; a fault can name it as its domain."),
    cores: count("Processor cores.", undefined, { minimum: 1, maximum: 4_096 }),
    memoryMiB: count("Physical memory.", undefined, { minimum: 1, maximum: 67_108_864 }),
    clock: part("The host's clock.", "Clock", {}),
    scheduler: part("Processor scheduler.", "Scheduler", {}),
    pageCache: part("Page cache.", "PageCache", {}),
    disks: list("Disks in the host.", { $ref: "#/$defs/HostDisk" }),
    sensors: list("Sensors.", { $ref: "#/$defs/Sensor" }),
    nic: part("Network interface.", "Nic", {}),
    evacuation: part("What a sensor's warning leads to; absent: nothing.", "Evacuation"),
  },
  ["id", "cores", "memoryMiB"],
);

export const hostDefinitions: Readonly<Record<string, JsonSchema>> = {
  Host: host,
  HostDisk: hostDisk,
  Clock: clock,
  Ntp: ntp,
  Scheduler: scheduler,
  PageCache: pageCache,
  Sensor: sensor,
  Evacuation: evacuationDefinition,
  Nic: nic,
};
