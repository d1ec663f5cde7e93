/** The door of worlds with real guests, for tests. */
export {
  type MachineOptions,
  type MachineWorld,
  machinesOf,
  machineWorld,
  type MachineWorldOptions,
  program,
  specOf,
} from "./machine-world.ts";
