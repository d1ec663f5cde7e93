/** The guest of a document in base units, as its kind takes it. */
import {
  type BlockStreamWish,
  type CapturedConfig,
  type GuardWish,
  type PreparedCapture,
  workloadConfig,
  type WorkingSetWish,
  type WorkloadConfig,
  type WorkloadWish,
} from "../../core/guest/index.ts";
import { assert, fromMs, fromUs, type PlainObject } from "../../core/kernel/index.ts";
import type {
  ResolvedCaptureGuest,
  ResolvedIntegrityDriver,
  ResolvedRv64Guest,
  ResolvedScenario,
  ResolvedVm,
  ResolvedWorkloadGuest,
  ResolvedWorkloadMemory,
  ResolvedWorkloadPhase,
  ResolvedWorkloadWorkingSet,
} from "../schema/scenario.generated.ts";
import type { MachineConfig } from "../../core/vmm/index.ts";
import { integrityLayout } from "../validate/check-integrity.ts";
import { machineConfigOf } from "./boot-files.ts";
import { SECTORS_PER_MIB } from "./fabric.ts";
import type { ScenarioInput } from "./inputs.ts";

const PAGES_PER_MIB = 256;

export function guestConfig(
  document: ResolvedScenario,
  vm: ResolvedVm,
  inputs: readonly ScenarioInput[],
): WorkloadConfig | CapturedConfig | MachineConfig | PlainObject {
  const { guest } = vm;
  switch (guest.kind) {
    case "workload":
      return workload(vm, guest);
    case "rv64":
      return machineConfigOf(document, vm, guest as ResolvedRv64Guest, inputs);
    case "capture": {
      const capture = inputs
        .filter((each) => "capture" in each)
        .find((each) => each.vm === vm.id)?.capture;
      assert(capture, () => `${vm.id} has no capture`);
      return captured(vm, guest, capture);
    }
    default:
      return guest as unknown as PlainObject;
  }
}

function captured(
  vm: ResolvedVm,
  guest: ResolvedCaptureGuest,
  capture: PreparedCapture,
): CapturedConfig {
  const { bootMs, pacing, timeScale, limit, flushEvery, wrap, disk } = guest;
  return {
    bootNs: fromMs(bootMs),
    capture: capture.sha256,
    disk: diskIndex(vm, disk),
    pacing,
    timeScale,
    ...(limit !== undefined && { limit }),
    flushEvery: flushEvery ?? 0,
    wrap,
  };
}

function workload(vm: ResolvedVm, guest: ResolvedWorkloadGuest): WorkloadConfig {
  return workloadConfig({
    bootNs: fromMs(guest.bootMs),
    repeat: guest.repeat,
    phases: guest.phases.map((phase) => ({
      name: phase.name,
      durationNs: fromMs(phase.durationMs),
      threads: phase.threads,
      busyPercent: phase.cpu.busyPercent,
      ...(phase.memory && { memory: memoryOf(phase.memory) }),
      block: phase.block.map((each) => blockStream(vm, each)),
      network: phase.network.map(({ to, messagesPerSecond, sizeBytes, transport }) => ({
        to,
        messagesPerSecond,
        bytes: sizeBytes,
        delivery: transport,
      })),
      events: phase.events.map(({ name, atMs }) => ({ name, atNs: fromMs(atMs) })),
    })),
    ...(guest.integrity && { guard: guardWish(vm, guest.integrity) }),
  });
}

function memoryOf({
  furtherSets,
  fragmentationPercent,
  ...first
}: ResolvedWorkloadMemory): NonNullable<WorkloadWish["phases"][number]["memory"]> {
  const further = furtherSets?.map(workingSet);
  return {
    ...workingSet(first),
    ...(further && { further }),
    ...(fragmentationPercent > 0 && { fragmentationPercent }),
  };
}

const workingSet = ({ workingSetMiB, ...set }: ResolvedWorkloadWorkingSet): WorkingSetWish => ({
  workingSetPages: Math.max(1, Math.round(workingSetMiB * PAGES_PER_MIB)),
  readsPerSecond: set.readsPerSecond,
  writesPerSecond: set.writesPerSecond,
  distribution: set.distribution,
});

function guardWish(vm: ResolvedVm, driver: ResolvedIntegrityDriver): GuardWish {
  const { code, data, protect } = integrityLayout(vm, driver);
  const places = { code, data, protected: protect[0] ?? code };
  const { updateEveryMs, updateUs, interruptEvery, interruptUs } = driver;
  return {
    code,
    data,
    protect,
    updateEveryNs: fromMs(updateEveryMs),
    updateNs: fromUs(updateUs),
    interruptEvery,
    interruptNs: fromUs(interruptUs),
    attacks: driver.attacks.map(({ atMs, when, by, on, pages }) => ({
      atNs: fromMs(atMs),
      when,
      by,
      page: places[on].page,
      pages,
    })),
  };
}

function blockStream(
  vm: ResolvedVm,
  block: ResolvedWorkloadPhase["block"][number],
): BlockStreamWish {
  const { readPercent, sizeKiB, distribution, flushEvery } = block;
  const disk = diskIndex(vm, block.disk);
  const { sizeMiB } = vm.disks[disk]!;
  return {
    disk,
    readPercent,
    sectors: sizeKiB * 2,
    regionSectors: (block.regionMiB ?? sizeMiB) * SECTORS_PER_MIB,
    distribution,
    flushEvery,
    pacing:
      block.pacing === "closed"
        ? {
            kind: "closed",
            outstanding: block.outstanding,
            thinkNs: fromUs(block.thinkTimeUs),
          }
        : { kind: "open", requestsPerSecond: block.requestsPerSecond },
  };
}

const diskIndex = (vm: ResolvedVm, disk: string): number =>
  vm.disks.findIndex(({ id }) => id === disk);
