/**
 * Loaded before everything else (`--import`) in a process that shall have a planted bug, and in all
 * processes and threads that it starts: NODE_OPTIONS and ORRERY_PLANT are handed down to them.
 */
import { register } from "node:module";

if (process.env.ORRERY_PLANT) register("./plant-hooks.mjs", import.meta.url);
