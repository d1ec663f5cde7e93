/** What ownership of disks consists of, for registration with a world. */
import { acquireDisk } from "./acquire-disk.ts";
import { closeDisks } from "./close-disks.ts";
import { ioFilter } from "./io-filter.ts";
import { keeper } from "./keeper.ts";
import { ownDisks } from "./own-disks.ts";
import { releaseDisk } from "./release-disk.ts";

export const handoffComponents = [
  keeper,
  ioFilter,
  acquireDisk,
  closeDisks,
  ownDisks,
  releaseDisk,
] as const;
