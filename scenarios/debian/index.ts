// The door of the Debian guest: its files, its machine, and somebody who types.

export { commandLine } from "./command-line.ts";
export { fetchDebian, type FetchResult } from "./fetch.ts";
export { debianFolder, type DebianFiles } from "./fetched.ts";
export { type DebianMachine, debianMachine } from "./machine.ts";
export { atPrompt, Terminal } from "./terminal.ts";
