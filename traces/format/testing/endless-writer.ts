// A run that never yields to the event loop and never ends: the test kills it, or its disk fills.
// Arguments: path, and optionally the number of chunks after which to close.
import { argv } from "node:process";
import { createTraceFile } from "../file-writer.ts";
import { sampleHeader } from "./sample.ts";

const writer = createTraceFile(argv[2]!, sampleHeader, { threadAfterBytes: 100_000 });
const chunks = Number(argv[3] ?? Infinity);
for (let epoch = 0; epoch < chunks; epoch++) {
  const streams = Uint32Array.from({ length: 4096 }, (_, index) => index % 17);
  const values = Float64Array.from(
    { length: 4096 },
    (_, index) => (index * 48_271 + epoch) % 65_521,
  );
  writer.appendColumns("draws", { epoch }, { draws: { type: "streams", streams, values } });
}
writer.closeSync("complete");
