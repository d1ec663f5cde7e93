/** Virtual machines: where they run, what their disks lie on, what their guests use. */
import type { Extension } from "../schema/extension.ts";
import type {
  ResolvedScenario,
  ResolvedVm,
  ResolvedWorkloadPhase,
} from "../schema/scenario.generated.ts";
import { checkIntegrity } from "./check-integrity.ts";
import { checkRealGuest } from "./check-rv64.ts";
import type { Directory } from "./directory.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";
import { checkEntryReferences, checkReference } from "./references.ts";

function checkPlacement(vm: ResolvedVm, pointer: string, directory: Directory) {
  const places = [
    { host: vm.host, pointer: pointerTo(pointer, "host") },
    ...vm.restartOn.map((host, at) => ({ host, pointer: pointerTo(pointer, "restartOn", at) })),
  ];
  return places.flatMap(({ host, pointer: place }): readonly Finding[] => {
    const memoryMiB = directory.hosts.get(host)?.memoryMiB;
    if (memoryMiB === undefined) return checkReference(host, place, "host", directory);
    if (vm.memoryMiB <= memoryMiB) return [];
    const message = `${host} has less memory than the vm's memoryMiB ${vm.memoryMiB}`;
    return [finding(place, message, `a host with more than its ${memoryMiB} MiB`)];
  });
}

/**
 * A disk is reachable from every host that the VM may run on. What is on arrays is all on one: there is
 * the configuration that names a VM's disks, and one write of it changes them all.
 */
function checkDisks(vm: ResolvedVm, pointer: string, directory: Directory): readonly Finding[] {
  const places = [vm.host, ...vm.restartOn].filter((host) => directory.hosts.has(host));
  const first = vm.disks.find(({ on }) => directory.arrays.has(on));
  return vm.disks.flatMap(({ on, kind, sizeMiB, cacheMode }, index) => {
    const place = pointerTo(pointer, "disks", index, "on");
    if (directory.hostDisks.has(on)) {
      if (kind !== "flat") {
        const expected = '"flat", or an array: redo logs are kept on arrays';
        return [finding(pointerTo(pointer, "disks", index, "kind"), `is "${kind}"`, expected)];
      }
      const away = places.find((host) => !on.startsWith(`${host}/`));
      const message = `the vm may run on ${away}, which cannot reach ${on}`;
      return away === undefined ? [] : [finding(place, message, "an array, or only that host")];
    }
    if (kind === "cow" && directory.arrays.get(on)?.kind === "redo") {
      const expected = 'an array of kind "cow", or a disk of kind "redo"';
      return [finding(place, `${on} keeps no copy-on-write volumes`, expected)];
    }
    if (!directory.arrays.has(on)) return checkReference(on, place, "device", directory);
    if (on !== first!.on) {
      const message = `is another array than that of disk ${first!.id}`;
      return [finding(place, message, `"${first!.on}", as one array has all disks of a vm`)];
    }
    if (kind === "network" && cacheMode !== "none") {
      const message = `is "${cacheMode}", and the guest goes round the host's page cache`;
      return [finding(pointerTo(pointer, "disks", index, "cacheMode"), message, '"none"')];
    }
    const { capacityMiB } = directory.arrays.get(on)!;
    if (sizeMiB > capacityMiB) {
      const message = `is ${sizeMiB}, larger than the array ${on}`;
      const size = pointerTo(pointer, "disks", index, "sizeMiB");
      return [finding(size, message, `at most its capacityMiB, ${capacityMiB}`)];
    }
    const apart = places.find((host) => !directory.connected(host, on));
    if (apart === undefined) return [];
    return [finding(place, `the vm may run on ${apart}, which has no link to ${on}`, "a link")];
  });
}

/** The copy takes the same steps one after the other, and goes on with the same disks. */
function checkProtection(vm: ResolvedVm, pointer: string, directory: Directory) {
  const { protection } = vm;
  if (protection === undefined) return [];
  const place = pointerTo(pointer, "protection");
  const host = pointerTo(place, "host");
  const away = vm.disks.find(({ on }) => !directory.arrays.has(on));
  const far = vm.disks.find(({ on }) => !directory.connected(protection.host, on));
  const found: (readonly Finding[])[] = [];
  found.push(checkKeptByHost(vm, pointer, directory));
  if (!directory.hosts.has(protection.host)) {
    return checkReference(protection.host, host, "host", directory);
  }
  if (protection.host === vm.host) {
    found.push([finding(host, "is the vm's own host", "another host")]);
  } else if (!directory.connected(vm.host, protection.host)) {
    found.push([finding(host, `has no link to ${vm.host}`, "a link for the log")]);
  }
  const isModelled = vm.guest.kind !== "rv64";
  if (isModelled && vm.vcpus !== 1)
    found.push([finding(place, `the vm has ${vm.vcpus} vcpus`, "one vcpu")]);
  if (vm.disks.length === 0) {
    found.push([finding(place, "the vm has no disk", "a disk on an array, where the vote is")]);
  } else if (away !== undefined) {
    found.push([finding(place, `disk ${away.id} is on ${away.on}`, "disks on an array")]);
  } else if (far !== undefined) {
    found.push([finding(host, `has no link to ${far.on}`, "a host that reaches the disks")]);
  }
  return found.flat();
}

/** Of a protected VM: what its host alone knows of its writes is lost with that. */
function checkKeptByHost({ disks }: ResolvedVm, pointer: string, directory: Directory): Finding[] {
  return disks.flatMap(({ cacheMode, on }, at) => {
    if (cacheMode === "writeback") {
      const mode = pointerTo(pointer, "disks", at, "cacheMode");
      const message = "is writeback: what the guest was promised is lost with its host";
      return [finding(mode, message, '"none" or "writethrough", as the vm is protected')];
    }
    const array = directory.arrays.get(on);
    if (array === undefined || array.writeCacheMiB === 0 || array.writeCacheProtected) return [];
    const message = `is ${on}, whose write cache may be lost: the vm's host alone keeps what was in it`;
    const place = pointerTo(pointer, "disks", at, "on");
    return [finding(place, message, "an array with writeCacheProtected, as the vm is protected")];
  });
}

/** Checkpoints at alerts need a place; a protected VM cannot be saved. */
function checkAlertPolicy(
  { onAlert, protection, host, restartOn }: ResolvedVm,
  pointer: string,
  directory: Directory,
) {
  if (onAlert?.do !== "snapshot") return [];
  const place = pointerTo(pointer, "onAlert");
  const on = pointerTo(place, "on");
  if (protection !== undefined) {
    const message = "is `snapshot`, and a protected vm cannot be saved";
    return [finding(pointerTo(place, "do"), message, '"pause" or "log"')];
  }
  if (onAlert.on === undefined) return [finding(on, "is missing", "an array for checkpoints")];
  if (!directory.arrays.has(onAlert.on)) return checkReference(onAlert.on, on, "array", directory);
  const apart = [host, ...restartOn].find((each) => !directory.connected(each, onAlert.on!));
  if (apart === undefined) return [];
  return [finding(on, `the vm may run on ${apart}, which has no link to ${onAlert.on}`, "a link")];
}

function checkPhase(
  phase: ResolvedWorkloadPhase,
  pointer: string,
  vm: ResolvedVm,
  directory: Directory,
): readonly Finding[] {
  const late = phase.events.flatMap(({ atMs }, at) =>
    atMs <= phase.durationMs
      ? []
      : [
          finding(
            pointerTo(pointer, "events", at, "atMs"),
            `${atMs} is after the phase's end`,
            `at most ${phase.durationMs}`,
          ),
        ],
  );
  const block = phase.block.flatMap(({ disk, regionMiB, sizeKiB }, at): readonly Finding[] => {
    const place = pointerTo(pointer, "block", at);
    const sizeMiB = vm.disks.find(({ id }) => id === disk)?.sizeMiB;
    if (sizeMiB === undefined) {
      return checkReference(disk, pointerTo(place, "disk"), "vmDisk", directory, vm);
    }
    const region = regionMiB ?? sizeMiB;
    if (region > sizeMiB) {
      return [finding(pointerTo(place, "regionMiB"), `is ${region}`, `at most ${sizeMiB}`)];
    }
    if (sizeKiB <= region * 1_024) return [];
    const expected = `at most the region, ${region * 1_024} KiB`;
    return [finding(pointerTo(place, "sizeKiB"), `is ${sizeKiB}`, expected)];
  });
  const network = phase.network.flatMap(({ to }, at) => {
    const place = pointerTo(pointer, "network", at, "to");
    return to === vm.id
      ? [finding(place, "the vm sends to itself", "another vm")]
      : checkReference(to, place, "vm", directory);
  });
  return [...checkWorkingSets(phase, pointer, vm), ...late, ...block, ...network];
}

/** Together they fit: the first that does not is named. */
function checkWorkingSets(
  { memory }: ResolvedWorkloadPhase,
  pointer: string,
  { memoryMiB }: ResolvedVm,
): readonly Finding[] {
  if (memory === undefined) return [];
  let leftMiB = memoryMiB;
  for (const [at, { workingSetMiB }] of [memory, ...(memory.furtherSets ?? [])].entries()) {
    if (workingSetMiB > leftMiB) {
      const path = at === 0 ? [] : ["furtherSets", at - 1];
      const place = pointerTo(pointer, "memory", ...path, "workingSetMiB");
      const before = at === 0 ? "" : ` without the sets before it, ${leftMiB}`;
      return [finding(place, `is ${workingSetMiB}`, `at most the vm's ${memoryMiB}${before}`)];
    }
    leftMiB -= workingSetMiB;
  }
  return [];
}

function checkGuest(
  vm: ResolvedVm,
  pointer: string,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  const { guest } = vm;
  const place = pointerTo(pointer, "guest");
  const extension = extensions.find(
    ({ family, name }) => family === "guest" && name === guest.kind,
  );
  const declared = checkEntryReferences(guest, place, extension, directory, vm);
  if (guest.kind === "workload") {
    const phases = guest.phases.flatMap((phase, at) =>
      checkPhase(phase, pointerTo(place, "phases", at), vm, directory),
    );
    const { integrity } = guest;
    const driver = integrity && checkIntegrity(vm, integrity, pointerTo(place, "integrity"));
    return [...declared, ...phases, ...(driver ?? [])];
  }
  if (guest.kind === "rv64") {
    return [...declared, ...checkRealGuest(vm, guest as never, pointer, directory)];
  }
  if (guest.kind !== "capture" || vm.disks.length > 0) return declared;
  return [...declared, finding(pointerTo(pointer, "disks"), "is empty", "a disk to play on")];
}

/** A disk of a host is one virtual disk, from its first sector to its last. */
function checkHostDisksShared({ vms }: ResolvedScenario, directory: Directory): readonly Finding[] {
  const users = new Map<string, string>();
  return vms.flatMap((vm, at) =>
    vm.disks.flatMap(({ id, on }, index): readonly Finding[] => {
      if (!directory.hostDisks.has(on)) return [];
      const user = users.get(on);
      users.set(on, user ?? `${vm.id}:${id}`);
      if (user === undefined) return [];
      const place = pointerTo("/vms", at, "disks", index, "on");
      return [finding(place, `${on} is ${user} already`, "another disk of the host, or an array")];
    }),
  );
}

export function checkVms(
  document: ResolvedScenario,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  return [
    ...checkEachVm(document, directory, extensions),
    ...checkHostDisksShared(document, directory),
  ];
}

function checkEachVm(
  document: ResolvedScenario,
  directory: Directory,
  extensions: readonly Extension[],
): readonly Finding[] {
  return document.vms.flatMap((vm, index) => {
    const pointer = pointerTo("/vms", index);
    return [
      ...checkPlacement(vm, pointer, directory),
      ...checkDisks(vm, pointer, directory),
      ...checkProtection(vm, pointer, directory),
      ...checkAlertPolicy(vm, pointer, directory),
      ...checkGuest(vm, pointer, directory, extensions),
    ];
  });
}
