#!/usr/bin/env node
/**
 * Starts the command. TypeScript is run as it is, and "orrery" means this very package in every
 * file that is loaded, so a scenario works from any directory and shares Orrery's one instance.
 */
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`orrery: needs Node 20.19 or later; this is ${process.versions.node}\n`);
  process.exit(4);
}
process.env.TSX_TSCONFIG_PATH ??= fileURLToPath(new URL("../tsconfig.json", import.meta.url));
await import("tsx");
const { runProcess } = await import("./main.ts");
await runProcess(process.argv.slice(2));
