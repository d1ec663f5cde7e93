/** Reads back what was written before a crash, in large reads, and makes what was found durable. */
import type { Plain, PlainObject } from "../kernel/index.ts";
import type { Completed, Guest } from "./guest-handle.ts";

export type VerifyConfig = {
  /** Only the first sectors of each disk; absent = everything written. */
  readonly verifySectors?: number | undefined;
};

/** 1 MiB. */
const READ_SECTORS = 2_048;
const READS_AT_ONCE = 4;

type Verifier = Pick<Guest, "common" | "spec" | "history" | "block" | "lifecycle"> & {
  readonly config: PlainObject & VerifyConfig;
};

/** Sends the first reads. True: there is nothing to check. */
export function beginVerify(guest: Verifier): boolean {
  guest.common.verify = { disk: 0, sector: 0, open: 0 };
  return goOn(guest);
}

/** An answer to one of its requests. True: all is checked. */
export function verified(guest: Verifier, done: Completed): boolean {
  if ((done.tag as Plain) !== "verify") return false;
  guest.common.verify.open--;
  return goOn(guest);
}

function goOn(guest: Verifier): boolean {
  const { verify } = guest.common;
  while (verify.disk < guest.spec.disks.length) {
    while (verify.open < READS_AT_ONCE && sendNext(guest)) verify.open++;
    if (verify.open > 0) return false;
    // All of this disk was read, or all and its flush, which is the last request of each disk.
    if (verify.sector >= 0) {
      verify.sector = -1;
      verify.open = 1;
      guest.block({ disk: verify.disk, op: "flush", sector: 0, sectors: 0 }, "verify");
      return false;
    }
    verify.disk++;
    verify.sector = 0;
  }
  guest.lifecycle("verified");
  return true;
}

/** Sends the next read of this disk, if there is one. */
function sendNext(guest: Verifier): boolean {
  const { verify } = guest.common;
  if (verify.sector < 0) return false;
  const { disk } = verify;
  const history = guest.history(disk);
  const end = Math.min(history.sectors, guest.config.verifySectors ?? Infinity);
  while (verify.sector < end) {
    const sector = verify.sector;
    const sectors = Math.min(READ_SECTORS, end - sector);
    verify.sector = sector + sectors;
    if (!history.touched(sector, sectors)) continue;
    guest.block({ disk, op: "read", sector, sectors }, "verify");
    return true;
  }
  return false;
}
