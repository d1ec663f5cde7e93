/**
 * A network interface: the rate that all links of a machine share, each way. It keeps no queue of
 * its own; a link's turn waits until the interface is free, so links take turns on it.
 */
import {
  component,
  type DomainId,
  type Entity,
  type PlainObject,
  type World,
} from "../../kernel/index.ts";

export type NicConfig = { readonly bitsPerSecond: number };

export type NicState = { readonly sendingUntilNs: number; readonly receivingUntilNs: number };

export type NicEntity = Entity<NicConfig, NicState>;

const nic = component<NicConfig, NicState, PlainObject>({
  kind: "nic",
  durable: () => ({ sendingUntilNs: 0, receivingUntilNs: 0 }),
  handlers: {},
});

/** In the domain of the links that it serves. */
export function spawnNic(
  world: World,
  domain: DomainId,
  name: string,
  config: NicConfig,
): NicEntity {
  return world.spawn(nic, config, { domain, name });
}
