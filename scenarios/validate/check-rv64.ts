/** Real machines: that they fit into the one there is, and what they are connected with. */
import type { ResolvedRv64Guest, ResolvedVm } from "../schema/scenario.generated.ts";
import type { Directory } from "./directory.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";
import { checkReference } from "./references.ts";

const MOST_MEMORY_MIB = 2_048;
const MOST_HARTS = 8;
/** Disks, interfaces, randomness and console. */
const MOST_DEVICES = 8;

/** `pointer` is the VM's. */
export function checkRealGuest(
  vm: ResolvedVm,
  guest: ResolvedRv64Guest,
  pointer: string,
  directory: Directory,
): readonly Finding[] {
  const findings: Finding[] = [];
  const limit = (member: string, value: number, most: number): void => {
    if (value <= most) return;
    findings.push(finding(pointerTo(pointer, member), `is ${value}`, `at most ${most} with rv64`));
  };
  limit("memoryMiB", vm.memoryMiB, MOST_MEMORY_MIB);
  limit("vcpus", vm.vcpus, MOST_HARTS);
  const place = pointerTo(pointer, "guest", "network");
  guest.network.forEach(({ to }, at) => {
    findings.push(...checkNic(vm, to, pointerTo(place, at, "to"), directory));
    const first = guest.network.findIndex((each) => each.to === to);
    if (first === at) return;
    findings.push(finding(pointerTo(place, at, "to"), `is "${to}" again`, "another vm"));
  });
  const devices = vm.disks.length + guest.network.length;
  const others = (guest.rng ? 1 : 0) + (guest.virtioConsole ? 1 : 0);
  if (devices + others <= MOST_DEVICES) return findings;
  const message = `${devices + others} devices: disks, interfaces, rng and virtioConsole`;
  return [...findings, finding(pointerTo(pointer, "guest"), message, `at most ${MOST_DEVICES}`)];
}

function checkNic(
  vm: ResolvedVm,
  to: string,
  pointer: string,
  directory: Directory,
): readonly Finding[] {
  if (to === vm.id) return [finding(pointer, "the vm is connected with itself", "another vm")];
  const peer = directory.vms.get(to);
  if (peer === undefined) return checkReference(to, pointer, "vm", directory);
  const back = peer.guest.kind === "rv64" ? (peer.guest as ResolvedRv64Guest).network : [];
  if (back.some((each) => each.to === vm.id)) return [];
  return [finding(pointer, `${to} has no interface to ${vm.id}`, "an rv64 vm with one")];
}
