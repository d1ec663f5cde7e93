// Small traces for this folder's tests.
import type { TraceHeader } from "../header.ts";
import { writeTraceInMemory, type TraceWriter } from "../writer.ts";

export const sampleHeader: TraceHeader = {
  codeVersion: "0123456789abcdef",
  scenarioJson: '{"name":"sample","seed":7}',
  seed: 7,
  epochEvents: 65_536,
  epochNs: 10_000_000_000,
  extra: { entropy: "seed" },
};

/** A chunk of each form: columns, plain data, bytes raw and compressed, nothing. */
export function appendSamples(writer: TraceWriter): void {
  writer.appendColumns(
    "draws",
    { epoch: 0 },
    {
      draws: {
        type: "streams",
        streams: Uint32Array.from({ length: 40 }, (_, index) => index % 3),
        values: Float64Array.from({ length: 40 }, (_, index) => (index * 7919) % 1009),
      },
    },
  );
  writer.appendPlain("epoch", { epoch: 0, timeNs: 1e10 }, { root: "c0ffee", events: 12 });
  writer.append("snapshot", { epoch: 0 }, new Uint8Array(300).fill(7));
  writer.append("boundary", { vm: "vm-1" }, Uint8Array.of(1, 2, 3), "raw");
  writer.append("notices", {}, new Uint8Array(0));
}

/** About 1 KiB. */
export function sampleTrace(): Uint8Array {
  return writeTraceInMemory(sampleHeader, appendSamples);
}
