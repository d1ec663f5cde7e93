/** A machine at power-on: RAM is zero but for what it boots. For a run of it, or a copy that follows one. */
import { assert, type Entity } from "../../kernel/index.ts";
import { rv64 } from "../../guest/index.ts";
import { bootFiles, type LiveMachine, type Machines, machineShape } from "./live-machine.ts";
import { type MachineState, RAM } from "./machine-state.ts";

/** Its RAM and harts become a memory of `keeper`, in place of what that had. */
export function powerMachine(
  { world, name }: Pick<Entity, "world" | "name">,
  config: rv64.BoardConfig,
  machines: Machines | undefined,
): NonNullable<MachineState["board"]> {
  assert(machines, "no engine for real guests was given");
  world.memories.removeOwned(name);
  const memory = world.memories.create(`${name}#${RAM}`, machineShape(config));
  const { engine } = memory.backing as LiveMachine;
  const files = bootFiles(machines, config);
  const made = rv64.Board.create(engine, config, files);
  assert(made.ok, () => (made.ok ? "" : `${name} does not boot: ${made.problem.message}`));
  memory.refer(rv64.verbatimPages(config, files));
  return made.board.state as never;
}
