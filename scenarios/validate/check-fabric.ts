/** Hosts, links and arrays: ends of links exist, service times have sane quantiles. */
import type { ResolvedLatencyUs, ResolvedScenario } from "../schema/scenario.generated.ts";
import type { Directory } from "./directory.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";
import { checkReference } from "./references.ts";

const LATENCIES = ["readLatencyUs", "writeLatencyUs", "flushUs"] as const;

type Device = Readonly<Record<(typeof LATENCIES)[number], ResolvedLatencyUs>>;

function checkLatencies(device: Device, pointer: string): readonly Finding[] {
  return LATENCIES.flatMap((member) => {
    const latency = device[member];
    if (typeof latency === "number" || latency.p99 >= latency.median) return [];
    const place = pointerTo(pointer, member, "p99");
    return [finding(place, `is ${latency.p99}`, `at least the median, ${latency.median}`)];
  });
}

export function checkFabric(
  { hosts, arrays, links }: ResolvedScenario,
  directory: Directory,
): readonly Finding[] {
  const ends = links.flatMap(({ between }, index) => {
    const pointer = pointerTo("/links", index, "between");
    const dangling = between.flatMap((end, side) =>
      checkReference(end, pointerTo(pointer, side), "endpoint", directory),
    );
    const loop = between[0] === between[1];
    return loop ? [finding(pointer, "both ends are the same", "two different ends")] : dangling;
  });
  const evacuations = hosts.flatMap(({ evacuation }, index) =>
    (evacuation?.to ?? []).flatMap((to, at) =>
      checkReference(to, pointerTo("/hosts", index, "evacuation", "to", at), "host", directory),
    ),
  );
  const devices = [
    ...hosts.flatMap((host, index) =>
      host.disks.flatMap((disk, at) =>
        checkLatencies(disk, pointerTo("/hosts", index, "disks", at)),
      ),
    ),
    ...arrays.flatMap((array, index) => checkLatencies(array, pointerTo("/arrays", index))),
  ];
  return [...ends, ...evacuations, ...devices];
}
