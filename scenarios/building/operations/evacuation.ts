/** Starts the evacuation of a host: by the timeline, or because a sensor warns. */
import { evacuate, type Evacuee, type MigrationSettings } from "../../../core/migration/index.ts";
import { fromMs, type PlainObject } from "../../../core/kernel/index.ts";
import { vmOf, vmRecordOf } from "../../../core/vmm/index.ts";
import type { ResolvedScenario } from "../../schema/scenario.generated.ts";
import type { Driver } from "../driver.ts";
import { openingOn } from "./power.ts";
import { start, type EntryOf, type Starter } from "./starter.ts";
import { hostOf, refuse } from "./vm-access.ts";

type Policy = Pick<EntryOf<"evacuate">, "to" | "parallel" | "algorithm" | "maxMbps" | "startUpMs">;

/** In a hurry: every round at the full rate, and traces as cheap as they are. */
function settingsOf({ algorithm, maxMbps, startUpMs }: Policy): MigrationSettings {
  const bitsPerSecond = Math.round(maxMbps * 1_000_000);
  return {
    algorithm,
    granularity: "1GiB",
    maxRounds: 30,
    by: [0],
    minBitsPerSecond: bitsPerSecond,
    maxBitsPerSecond: bitsPerSecond,
    lastBitsPerSecond: bitsPerSecond,
    stepBitsPerSecond: 50_000_000,
    stopNs: 0,
    stopBelowBytes: 256 * 1_024,
    startUpNs: fromMs(startUpMs),
    // The host that is left is expected to fail: there is little to wait for.
    patienceNs: fromMs(2_000),
  };
}

/** VMs that run on the host, the important ones first; destinations by turns. */
function evacueesOf(self: Driver, host: string, to: readonly string[]): readonly Evacuee[] {
  const { world, config } = self;
  const places = to.filter((each) => each !== host);
  const machines = [...config.document.vms]
    .sort((a, b) => b.priority - a.priority)
    .flatMap((vm) => {
      const instance = vmOf(vmRecordOf(world, vm.id));
      if (instance === undefined || hostOf(world, instance as never).name !== host) return [];
      return [{ vm, instance: instance.id }];
    });
  return machines.map(({ vm, instance }, turn) => ({
    vm: vm.id,
    instance,
    places: places.map((_, at) => {
      const next = places[(turn + at) % places.length]!;
      return { to: next, opening: openingOn(self, vm, next, false) };
    }),
  }));
}

function begin(
  self: Driver,
  id: string,
  host: string,
  policy: Policy,
  machines: readonly Evacuee[],
): void {
  const { parallel } = policy;
  const params = { machines, parallel, settings: settingsOf(policy) };
  const at = self.world.named(host);
  start(self, evacuate, at, id, params as unknown as PlainObject);
}

const startEvacuate: Starter<"evacuate"> = (self, entry) => {
  const { id, host, to } = entry;
  const isUp = self.world.isUp(self.world.named(host).domain);
  if (!isUp) return refuse(self, id, "evacuate", host, "host-down");
  begin(self, id, host, entry, evacueesOf(self, host, to));
};

export const evacuationStarters = { evacuate: startEvacuate };

export const hasEvacuations = ({ hosts, timeline }: ResolvedScenario): boolean =>
  hosts.some(({ evacuation }) => evacuation !== undefined) ||
  timeline.some((entry) => entry.do === "evacuate");

/** A sensor has come to a level: the host's policy may want its VMs away. */
export function onSensor(self: Driver, host: string, level: string): void {
  const { evacuation: policy } = self.config.document.hosts.find(({ id }) => id === host)!;
  const id = `${host}.evacuation`;
  if (policy === undefined || (policy.at !== level && level !== "critical")) return;
  if (self.world.registry.idOf(id) !== undefined) return;
  const machines = evacueesOf(self, host, policy.to);
  if (machines.length > 0) begin(self, id, host, policy, machines);
}
