/**
 * Plants a bug of the bank: `node --import ./properties/bugs/plant.mjs?bug=NAME cli/bin.mjs ...`.
 * It must come before tsx, so that it sees sources as they are written. What a search forks is
 * started with the same arguments, so the bug is in its workers too.
 */
import { register } from "node:module";
import { tsImport } from "tsx/esm/api";

const name = new URL(import.meta.url).searchParams.get("bug");
const { bugNamed } = await tsImport("./bank.ts", import.meta.url);
const { file, find, replace } = bugNamed(name);
const url = new URL(`../../${file}`, import.meta.url).href;
register("./plant-hooks.mjs", import.meta.url, { data: { name, url, find, replace } });
