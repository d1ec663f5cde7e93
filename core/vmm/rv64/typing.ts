/** The person at the serial console, as the scenario describes what is typed and when. */
import {
  type MachineEntity,
  machineConfig,
  type Typing,
  type TypingState,
} from "./machine-state.ts";

/** Characters of the console that are kept to be looked at. */
const CONSOLE_KEPT = 4_096;

const NOTHING_SHOWN: TypingState = { next: 0, shown: "" };

/** The end of what a console showed. */
export const withShown = (before: string, text: string): string =>
  (before + text).slice(-CONSOLE_KEPT);

/** What is begun to be typed when the console shows `text` as well; each waits for what follows. */
export function onShown(
  typed: readonly Typing[],
  before: TypingState,
  text: string,
): { readonly typing: TypingState; readonly begun: readonly Typing[] } {
  let { next } = before;
  let shown = withShown(before.shown, text);
  const begun: Typing[] = [];
  for (; ; next++) {
    const typing = typed[next];
    if (typing === undefined) break;
    const at = typing.waitFor === null ? 0 : shown.indexOf(typing.waitFor);
    if (at < 0) break;
    shown = shown.slice(at + (typing.waitFor?.length ?? 0));
    begun.push(typing);
  }
  return { typing: { next, shown }, begun };
}

/** At power-on: what waits for nothing. */
export const firstTyping = (typed: readonly Typing[]) => onShown(typed, NOTHING_SHOWN, "");

export function beginTyping(self: MachineEntity): void {
  const { typing, begun } = firstTyping(machineConfig(self).typed);
  self.edit().typing = typing;
  begun.forEach((each) => typeLater(self, each));
}

export function onConsole(self: MachineEntity, text: string): void {
  const { typing, begun } = onShown(machineConfig(self).typed, self.volatile.typing, text);
  const state = self.edit();
  state.console = withShown(state.console, text);
  state.typing = typing;
  begun.forEach((each) => typeLater(self, each));
}

export function typeLater(self: MachineEntity, { delayNs, text }: Typing): void {
  self.after(delayNs, "type", text);
}
