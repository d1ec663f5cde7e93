/** Fault tolerance of a world: everything that it needs, made once, and wired when it is built. */
import type { AnyComponent, DomainId, World } from "../kernel/index.ts";
import type { HostEntity } from "../platform/index.ts";
import type { Vmm } from "../vmm/index.ts";
import { agentComponent, spawnAgent } from "./agent.ts";
import { followerComponent } from "./follower.ts";
import { goAlone } from "./go-alone.ts";
import { guard } from "./guard.ts";
import { faultToleranceInvariants } from "./invariants.ts";
import { protect } from "./protect.ts";
import { protection, spawnProtection } from "./protection.ts";
import { takeOverOperation } from "./take-over.ts";
import { vote } from "./vote.ts";

export interface FaultTolerance {
  /** Hosts that may run or follow, and the machines that are to be protected. Part of building. */
  readonly wire: (
    world: World,
    outside: DomainId,
    hosts: readonly HostEntity[],
    vms: readonly string[],
  ) => void;
}

export function createFaultTolerance(vmm: Vmm): FaultTolerance {
  const takeOver = takeOverOperation(vmm);
  const follower = followerComponent(vmm, takeOver);
  const agent = agentComponent(follower);
  const all = [protection, guard, follower, agent, protect, takeOver, goAlone, vote];
  return {
    wire: (world, outside, hosts, vms) => {
      world.register(...(all as unknown as readonly AnyComponent[]));
      world.addInvariants(faultToleranceInvariants);
      for (const host of hosts) spawnAgent(agent, host);
      for (const vm of vms) spawnProtection(world, outside, vm);
    },
  };
}
