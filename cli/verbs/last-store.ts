/** `orrery why` of memory of a real guest: the instruction that last wrote it. */
import type { Timeline } from "../../traces/index.ts";
import { formatTime } from "../time.ts";
import type { OpenRun } from "./with-run.ts";

export type LastStore =
  | { readonly problem: string }
  | { readonly lines: readonly string[]; readonly changes: readonly object[] };

const DEFAULT_BYTES = 8;
const MOST_BYTES = 4_096;

/** `/VM/machine/memory/PLACE`; undefined: the path names something else. */
const MEMORY_PATH = /^\/?([^/]+)(?:\/run-\d+)?\/machine(?:\/hart-([0-7]))?\/memory\/([^/]+)$/;

/** Searches backwards from where the timeline stands. */
export async function lastStoreAt(
  { builder }: OpenRun,
  timeline: Timeline,
  path: string,
): Promise<LastStore | undefined> {
  const [, vm, hart, text] = MEMORY_PATH.exec(path) ?? [];
  if (vm === undefined || text === undefined || !builder.vms.includes(vm)) return undefined;
  if (builder.guestSpec(vm).kind !== "rv64") return undefined;
  const { rv64 } = await import("../../core/guest/index.ts");
  const { Debugger, RecordedMachine } = await import("../../traces/index.ts");
  const here = timeline.world.timeNs;
  const event = timeline.event;
  const machine = RecordedMachine.open(timeline, builder, vm);
  if (machine === undefined) return { problem: `${vm} was never powered on` };
  timeline.seekTime(here);
  const debugged = new Debugger(machine, machine.placeIn(timeline.world));
  const symbols = rv64.symbolsOf(machine.program(builder.machines));
  const place = rv64.parsePlace(symbols, text);
  if (place === undefined) return { problem: `${text} is no address and no symbol` };
  const bytes = Math.min(place.count ?? DEFAULT_BYTES, MOST_BYTES);
  const physical =
    hart === undefined ? place.address : debugged.physical(Number(hart), place.address);
  const inRam = physical !== null && debugged.isInRam(physical, bytes);
  if (!inRam) return { problem: `${rv64.hex(place.address)} is not in RAM, or not mapped` };
  const store = debugged.lastStore(Number(physical), bytes, machine.progress);
  if (store === undefined) {
    const line = `no instruction of run ${machine.run} wrote ${text} before event #${event}`;
    return { lines: [`${line}; what is there was loaded, or came from a device`], changes: [] };
  }
  machine.seek(store.progress - 1);
  const before = debugged.dump(physical, bytes);
  const instruction = debugged.instructionAt(store.hart, symbols);
  machine.seek(store.progress);
  const after = debugged.dump(physical, bytes);
  const timeNs = machine.timeOf(store.progress);
  const where = `${formatTime(timeNs)} ${vm} hart ${store.hart}, progress ${store.progress}`;
  const change = {
    vm,
    hart: store.hart,
    progress: store.progress,
    timeNs,
    ...instruction,
    before,
    after,
  };
  const { pc, at, text: code } = instruction;
  return {
    lines: [`${where}: ${pc} <${at}> ${code}`, `  ${before} -> ${after}`],
    changes: [change],
  };
}
