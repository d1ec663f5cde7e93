/** `orrery why` of memory of a real guest: the instruction that last wrote it. */
import type { MachineConfig } from "../../core/vmm/index.ts";
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

const hexBytes = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/**
 * Searches backwards from where the timeline stands, and moves it about. Undefined, too, when the
 * signal came.
 */
export async function lastStoreAt(
  { run, builder }: OpenRun,
  timeline: Timeline,
  path: string,
  signal: AbortSignal,
): Promise<LastStore | undefined> {
  const [, vm, hart, text] = MEMORY_PATH.exec(path) ?? [];
  if (vm === undefined || text === undefined || !builder.vms.includes(vm)) return undefined;
  if (builder.guestSpec(vm).kind !== "rv64") return undefined;
  const { rv64 } = await import("../../core/guest/index.ts");
  const { finishUnless, openGuest } = await import("../../traces/index.ts");
  const [hereNs, { event }] = [timeline.world.timeNs, timeline];
  const { machines } = builder;
  const config = builder.guestSpec(vm).config as unknown as MachineConfig;
  const opened = openGuest({ run, builder, vm, config, machines, timeline });
  if (!opened.ok) return { problem: `${vm}: ${opened.message}` };
  const machine = opened.target;
  timeline.seekTime(hereNs);
  const always = (): boolean => true;
  const seek = (to: number) => finishUnless(signal, machine.seek(to, always));
  await seek(machine.placeInWorld());
  const { boot } = config.board;
  const symbols = rv64.symbolsOf(machines.file(boot.kind === "elf" ? boot.file : boot.kernel));
  const place = rv64.parsePlace(symbols, text);
  if (place === undefined) return { problem: `${text} is no address and no symbol` };
  const bytes = Math.min(place.count ?? DEFAULT_BYTES, MOST_BYTES);
  const physical =
    hart === undefined ? place.address : machine.physical(Number(hart), place.address);
  const inRam = physical !== null && machine.isInRam(physical, bytes);
  if (!inRam) return { problem: `${rv64.hex(place.address)} is not in RAM, or not mapped` };
  const searching = machine.lastStore(Number(physical), bytes, () => !signal.aborted);
  const store = await finishUnless(signal, searching);
  if (signal.aborted) return undefined;
  const { run: number, progress, world } = machine.where();
  if (store === undefined) {
    const line = `no instruction of run ${number + 1} wrote ${text} before event #${event}`;
    return { lines: [`${line}; what is there was loaded, or came from a device`], changes: [] };
  }
  const after = hexBytes(machine.readPhysical(physical, bytes));
  await seek(store.place - 1);
  const before = hexBytes(machine.readPhysical(physical, bytes));
  const instruction = machine.instructionAt(store.hart, symbols);
  const timeNs = world?.timeNs ?? null;
  const when = timeNs === null ? "" : `${formatTime(timeNs)} `;
  const { pc, at, text: code } = instruction;
  const change = { vm, hart: store.hart, progress, timeNs, ...instruction, before, after };
  return {
    lines: [
      `${when}${vm} hart ${store.hart}, progress ${progress}: ${pc} <${at}> ${code}`,
      `  ${before} -> ${after}`,
    ],
    changes: [change],
  };
}
