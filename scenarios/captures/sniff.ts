/** Recognises a capture's format by one of its first lines. */
import { BLKPARSE_LINE } from "./blkparse.ts";
import type { CaptureFormat } from "./capture.ts";
import { FIO_HEADER } from "./fio-iolog.ts";
import { MSR_HEADER } from "./msr.ts";
import { NBDKIT_LINE } from "./nbdkit-log.ts";
import { VSCSI_HEADER } from "./vscsi.ts";

/** How many lines may come before the one that tells the format. */
export const SNIFF_LINES = 20;

const VSCSI_NATIVE_HEADER = /^#serial\s*number,io\s*data\s*length,/;
const MSR_ROW = /^\d{15,19},[^,]*,\d+,(read|write),\d+,\d+,\d+$/;

/** The format that `line` belongs to, or undefined if the line does not tell. */
export function sniffLine(line: string): CaptureFormat | undefined {
  const text = line.trim();
  const lower = text.toLowerCase();
  const packed = lower.replaceAll(" ", "");
  if (FIO_HEADER.test(text)) return "fio-iolog";
  if (packed === VSCSI_HEADER.toLowerCase() || VSCSI_NATIVE_HEADER.test(lower)) return "vscsi";
  if (packed === MSR_HEADER || MSR_ROW.test(packed)) return "msr";
  if (NBDKIT_LINE.test(text)) return "nbdkit-log";
  if (BLKPARSE_LINE.test(line)) return "blkparse";
  return undefined;
}
