/** Each format, in the syntax that its own tool writes, becomes the requests it stands for. */
import { describe, expect, it } from "vitest";
import { CAPTURED_OPS, requestsOf } from "./capture.ts";
import { importCapture } from "./import-capture.ts";
import type { ImportOptions, ImportResult } from "./import-capture.ts";

const importText = (text: string, options?: ImportOptions): Promise<ImportResult> =>
  importCapture(new TextEncoder().encode(text), options);

/** `at op sector+sectors`, one per request. */
async function rows(text: string, options?: ImportOptions): Promise<string[]> {
  const result = await importText(text, options);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return [...requestsOf(result.capture)].map((r) => `${r.atUs} ${r.op} ${r.sector}+${r.sectors}`);
}

async function codeOf(text: string, options?: ImportOptions): Promise<string> {
  const result = await importText(text, options);
  return result.ok ? "ok" : result.code;
}

describe("vscsiStats CSV", () => {
  it("reads vscsiStats's own header and words", async () => {
    const text =
      "#Vscsi Cmd Trace. (Trace Format Version 1)\n" +
      "#Serial Number,IO Data Length,Num SG Entries,Command Type,LBN,Time Stamp (microseconds)\n" +
      "2147483692,4096,1,write,24048792,2756778716647\n" +
      "2147483658,4608,2,read,23749656,2756778716700\n";
    expect(await rows(text)).toEqual(["0 write 24048792+8", "53 read 23749656+9"]);
  });

  it("takes opcodes in decimal and hexadecimal, and counts control commands", async () => {
    const types = [
      "40",
      "0x28",
      "2A",
      "138",
      "read_16",
      "WRITE(10)",
      "0x35",
      "145",
      "0x42",
      "0x12",
    ];
    const lines = types.map((type, i) => `${i},512,1,${type},${i},${100 + i}`);
    const text = `serial,length,segments,type,lbn,timestampUs\n${lines.join("\n")}`;
    const ops = (await rows(text)).map((row) => row.split(" ")[1]);
    expect(ops.join(" ")).toBe("read read write write read write flush flush discard");
    const result = await importText(text);
    expect(result.ok && result.capture.meta.skipped).toEqual({
      header: 1,
      "scsi control command": 1,
    });
  });

  it("does not guess that 28 was meant as hexadecimal", async () => {
    expect(await codeOf("1,512,1,28,0,0\n", { format: "vscsi" })).toBe("malformed-lines");
  });
});

describe("blkparse text", () => {
  const head = "254,0    0        ";
  const text = [
    `${head}1     0.000000000   211  A  WS 2056 + 8 <- (254,1) 8`,
    `${head}2     0.000000500   211  Q  WS 2056 + 8 [sqlite3]`,
    `${head}3     0.000001000   211  P   N [sqlite3]`,
    `${head}4     0.000002999   211  D  WS 2056 + 8 [sqlite3]`,
    `${head}5     0.000150000     0  C  WS 2056 + 8 [0]`,
    `${head}6     0.000200000   143  Q FWFS 8192 + 16 [jbd2/vda-8]`,
    `${head}7     0.000210000   143  D  FN [kworker/0:1H]`,
    `${head}8     0.000310000     0  C  FN 0 [0]`,
    `${head}9     0.000320000   143  D WFS 8192 + 16 [kworker/0:1H]`,
    `${head}10     0.000400000   143  D  DS 0 + 1024 [fstrim]`,
    `${head}11     0.000500000   143  D  RM 64 + 8 [ls]`,
    `${head}12     0.000500100     0  m   N cfq workload slice:300`,
    `${head}13     0.000500200     0  D   R 36 (12 01 00 00 24 00 ..) [udevd]`,
    "CPU0 (254,0):",
    " Reads Queued:           1,        4KiB\t Writes Queued:           3,       20KiB",
    "",
    "Throughput (R/W): 0KiB/s / 18KiB/s",
    "Events (254,0): 13 entries",
    "Skips: 0 forward (0 -   0.0%)",
  ].join("\n");

  it("takes what was issued to the device, FUA as a flush behind the write", async () => {
    expect(await rows(text)).toEqual([
      "0 write 2056+8",
      "208 flush 0+0",
      "318 write 8192+16",
      "318 flush 0+0",
      "398 discard 0+1024",
      "498 read 64+8",
    ]);
  });

  it("takes queue events on request, with the flushes that they ask for", async () => {
    expect(await rows(text, { blkparseEvent: "Q" })).toEqual([
      "0 write 2056+8",
      "200 flush 0+0",
      "200 write 8192+16",
      "200 flush 0+0",
    ]);
  });

  it("falls back to queue events where a device has no issue events", async () => {
    const queued = text.split("\n").filter((line) => !/ D /.test(line));
    expect((await rows(queued.join("\n"))).length).toBe(4);
  });

  it("says what it did not use", async () => {
    const result = await importText(text);
    expect(result.ok && result.capture.meta.skipped).toMatchObject({
      "Q event, D is used": 2,
      "C event, D is used": 2,
      remap: 1,
      message: 1,
      "scsi passthrough": 1,
      summary: 5,
    });
  });
});

describe("fio iolog", () => {
  it("reads version 3 as fio 3.33 wrote it", async () => {
    const text =
      "fio version 3 iolog\n17 f.bin add\n203 f.bin open\n213 f.bin read 0 4096\n" +
      "671 f.bin write 24576 4096\n855 f.bin sync 61440 0\n900 f.bin trim 8192 4096\n" +
      "1413 f.bin close\n";
    expect(await rows(text)).toEqual([
      "0 read 0+8",
      "458 write 48+8",
      "642 flush 0+0",
      "687 discard 16+8",
    ]);
  });

  it("lets waits of version 2 pass one after the other", async () => {
    const text =
      "fio version 2 iolog\n/dev/sda add\n/dev/sda open\n/dev/sda write 0 512\n" +
      "/dev/sda wait 100\n/dev/sda datasync\n/dev/sda wait 50 0\n/dev/sda read 512 512\n";
    expect(await rows(text)).toEqual(["0 write 0+1", "100 flush 0+0", "150 read 1+1"]);
  });

  it("refuses a wait in version 3", async () => {
    expect(await codeOf("fio version 3 iolog\n0 f read 0 512\n1 f wait 5\n")).toBe(
      "malformed-lines",
    );
  });
});

describe("MSR Cambridge CSV", () => {
  const text =
    "128166372003061629,hm,1,Read,382496768,32768,41286\n" +
    "128166372016382155,hm,1,Write,310983680,4096,1236\n" +
    "128166372003061619,hm,1,Read,382496256,512,10\n";

  it("reads filetimes beyond 2^53 exactly and sorts what was logged late", async () => {
    expect(await rows(text)).toEqual([
      "0 read 747063+1",
      "1 read 747064+64",
      "1332054 write 607390+8",
    ]);
    const result = await importText(text);
    expect(result.problems).toEqual([{ code: "out-of-order", count: 1, firstLine: 3 }]);
    expect(result.ok && result.capture.meta.maxOutstanding).toBe(1);
    expect(result.ok && [...result.capture.responseUs!]).toEqual([1, 4128, 123]);
  });

  it("takes one disk of several, and only when told which", async () => {
    const two = `${text}128166372016382155,hm,0,Write,0,4096,1236\n`;
    expect(await codeOf(two)).toBe("several-devices");
    expect(await rows(two, { device: "hm.0" })).toEqual(["0 write 0+8"]);
    expect(await codeOf(two, { device: "hm.9" })).toBe("empty");
  });
});

describe("nbdkit log", () => {
  it("reads arrivals, completions and FUA", async () => {
    const at = (us: string, what: string): string =>
      `2026-11-21 23:59:59.${us} connection=1 ${what}\n`;
    const text =
      at("999000", 'Connect export="" tls=0 size=0x4000000 write=1 flush=1') +
      at("999100", "Write id=1 offset=0x1000 count=0x200 fua=1 ...") +
      at("999150", "Read id=2 offset=0x0 count=0x400 ...") +
      at("999200", "...Write id=1 return=0") +
      "2026-11-22 00:00:00.000100 connection=1 ...Read id=2 return=0\n" +
      "2026-11-22 00:00:00.000200 connection=1 Flush id=3 ...\n";
    expect(await rows(text)).toEqual([
      "0 write 8+1",
      "0 flush 0+0",
      "50 read 0+2",
      "1100 flush 0+0",
    ]);
    const result = await importText(text);
    expect(result.ok && [...result.capture.responseUs!]).toEqual([100, -1, 950, -1]);
  });
});

describe("the neutral form", () => {
  it("has meta figures that a plain count over the requests gives too", async () => {
    const result = await importText(
      "fio version 3 iolog\n5 f write 512 1024\n9 f sync\n9 f read 0 512\n",
    );
    expect(result.ok && result.capture.meta).toMatchObject({
      requests: 3,
      reads: 1,
      writes: 1,
      flushes: 1,
      discards: 0,
      spanUs: 4,
      sectorsTouchedMax: 3,
      device: "f",
      maxOutstanding: null,
    });
    expect(CAPTURED_OPS.length).toBe(4);
  });
});
