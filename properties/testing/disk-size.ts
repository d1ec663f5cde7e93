/** How large a disk is by what its VM runs on. */
import type { World } from "../../core/kernel/index.ts";

const SECTORS_PER_MIB = 2_048;

/** By the descriptor that disk `data` of VM `db` runs on. */
export function runningMiB(world: World): number {
  const { files } = world.named("array").durable as unknown as {
    files: { [key: string]: { value: { text: string; running: { data: string } } } };
  };
  const { text } = files[`file:${files["file:db.vmx"]!.value.running.data}`]!.value;
  return Number(/RW (\d+) VMFS/.exec(text)![1]) / SECTORS_PER_MIB;
}
