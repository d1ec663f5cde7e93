/** Migration in a world: what it needs, made once, and wired when it is built. */
import type { AnyComponent, World } from "../kernel/index.ts";
import type { HostEntity } from "../platform/index.ts";
import type { Vmm } from "../vmm/index.ts";
import { agentComponent, spawnAgent } from "./agent.ts";
import { cancelMigration } from "./cancel.ts";
import { migrationInvariants } from "./invariants.ts";
import { migrate } from "./migrate.ts";
import { agentName } from "./settings.ts";
import { evacuate, evacuationLane } from "./evacuation/evacuate.ts";
import { fetcher } from "./post-copy/fetcher.ts";
import { startRun } from "./start-run.ts";

export interface Migration {
  /** Hosts that machines may leave or come to. Part of building. */
  readonly wire: (world: World, hosts: readonly HostEntity[]) => void;
}

export function createMigration(vmm: Vmm): Migration {
  const agent = agentComponent(vmm, startRun);
  const all = [
    agent,
    fetcher,
    evacuate,
    evacuationLane,
    migrate,
    cancelMigration,
    startRun,
  ] as unknown as readonly AnyComponent[];
  return {
    wire: (world, hosts) => {
      world.register(...all);
      world.addInvariants(migrationInvariants);
      for (const host of hosts) spawnAgent(agent, host, agentName(host.name));
    },
  };
}
