/** What a debugger is told when the machine has stopped ("GDB manual", E.3). */
import type { DebugTarget, Halted, WatchKind } from "../debugging/index.ts";
import { hexOfWord } from "./words.ts";

const TRAP = "05";
const INTERRUPTED = "02";
const WATCH_WORDS: { readonly [kind in WatchKind]: string } = {
  write: "watch",
  read: "rwatch",
  access: "awatch",
};
/** Registers that are told at once, by their number: stack pointer, frame pointer, program counter. */
const TOLD = [
  ["02", { kind: "integer", number: 2 }],
  ["08", { kind: "integer", number: 8 }],
  ["20", { kind: "pc" }],
] as const;

/** Threads are harts, counted from 1. */
export const threadOf = (hart: number): string => (hart + 1).toString(16);

/** `breakWord`: `swbreak` or `hwbreak`, if the debugger wants to know. */
export function stopReply(target: DebugTarget, halted: Halted, breakWord: string | null): string {
  const hart = "hart" in halted ? halted.hart : target.hart();
  const told = TOLD.map(
    ([number, name]) => `${number}:${hexOfWord(target.register(hart, name), 8)};`,
  );
  const signal = halted.kind === "interrupted" ? INTERRUPTED : TRAP;
  const why = reason(halted, breakWord);
  return `T${signal}${told.join("")}thread:${threadOf(hart)};${why}`;
}

function reason(halted: Halted, breakWord: string | null): string {
  switch (halted.kind) {
    case "begin":
    case "end":
      return `replaylog:${halted.kind};`;
    case "breakpoint":
      return breakWord === null ? "" : `${breakWord}:;`;
    case "watch":
      return `${WATCH_WORDS[halted.range.kind]}:${halted.range.address.toString(16)};`;
    default:
      return "";
  }
}
