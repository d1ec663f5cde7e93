/** Makes its host ready to follow machines of other hosts: one a host. */
import { type Component, component, type Entity, type Request } from "../kernel/index.ts";
import { type HostEntity, reserveMemory } from "../platform/index.ts";
import type { FollowerComponent } from "./follower.ts";
import { type FollowerConfig, hostOf, type NoFields } from "./settings.ts";

export type AgentComponent = Component<NoFields, NoFields, NoFields>;

export const agentName = (host: string): string => `${host}/fault-tolerance`;

export function agentComponent(follower: FollowerComponent): AgentComponent {
  return component<NoFields, NoFields, NoFields>({
    kind: "ft-agent",
    handlers: {
      /** Memory is reserved as for the machine itself; what follows starts before it does. */
      prepare: (self, request: Request<FollowerConfig>) => {
        const { body } = request;
        const host = hostOf(self as unknown as Entity);
        if (!reserveMemory(host, body.vm, body.powerOn.memoryMiB)) {
          return self.refuse(request, "no-memory", body.powerOn.memoryMiB);
        }
        const entity = self.spawn(follower, body, `${body.vm}-run-${body.run}`);
        self.world.call(entity as unknown as Entity, "begin", 0);
        self.reply(request, { follower: entity.id });
      },
    },
  });
}

/** The agent of a host. Part of building. */
export function spawnAgent(component: AgentComponent, host: HostEntity): void {
  const creator = host as unknown as Entity;
  host.world.spawn(component, {}, { creator, name: agentName(host.name) });
}
