// Where fetched files are kept: never in the source tree. ORRERY_CACHE, else the user's cache folder (XDG base directories).

import { homedir } from "node:os";
import { join } from "node:path";

export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { ORRERY_CACHE, XDG_CACHE_HOME } = environment;
  if (ORRERY_CACHE !== undefined && ORRERY_CACHE !== "") return ORRERY_CACHE;
  const users =
    XDG_CACHE_HOME !== undefined && XDG_CACHE_HOME !== ""
      ? XDG_CACHE_HOME
      : join(homedir(), ".cache");
  return join(users, "orrery");
}
