/**
 * Loads other text in place of some source files. ORRERY_PLANT names a file that says which: a JSON
 * object from the address of a source to the address of its replacement. The module keeps its own
 * address, so its imports lead where they did; whoever else transforms sources does so as before.
 */
import { readFileSync } from "node:fs";

const replaced = JSON.parse(readFileSync(process.env.ORRERY_PLANT, "utf8"));

export function load(address, context, nextLoad) {
  const [file] = address.split("?");
  return nextLoad(Object.hasOwn(replaced, file) ? replaced[file] : address, context);
}
