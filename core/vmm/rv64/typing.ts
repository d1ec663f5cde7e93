/** The person at the serial console, as the scenario describes what is typed and when. */
import { type MachineEntity, machineConfig } from "./machine-state.ts";

/** Characters of the console that are kept to be looked at. */
const CONSOLE_KEPT = 4_096;

/** At power-on: what waits for nothing is typed after its delay. */
export function beginTyping(self: MachineEntity): void {
  self.edit().typing = { next: 0, shown: "" };
  typeIfShown(self);
}

export function onConsole(self: MachineEntity, text: string): void {
  const state = self.edit();
  state.console = (state.console + text).slice(-CONSOLE_KEPT);
  state.typing.shown = (state.typing.shown + text).slice(-CONSOLE_KEPT);
  typeIfShown(self);
}

/** One at a time: the next waits for what is shown after this one. */
function typeIfShown(self: MachineEntity): void {
  const { next, shown } = self.volatile.typing;
  const typing = machineConfig(self).typed[next];
  if (typing === undefined) return;
  const at = typing.waitFor === null ? 0 : shown.indexOf(typing.waitFor);
  if (at < 0) return;
  const rest = shown.slice(at + (typing.waitFor?.length ?? 0));
  self.edit().typing = { next: next + 1, shown: rest };
  self.after(typing.delayNs, "type", typing.text);
  typeIfShown(self);
}
