// The writer's thread: compresses, chains and writes what file-writer.ts sends, in that order.
// Plain JavaScript: it must start without a loader, in a thread whose parent never yields.
import { parentPort, workerData } from "node:worker_threads";
import { FrameSink } from "./frame-sink.mjs";
import { ThreadControl, threadStates } from "./thread-control.mjs";
import { appender } from "./write-fully.mjs";

const control = new ThreadControl(workerData.shared);
let sink;

function take(message) {
  switch (message.type) {
    case "state":
      sink = new FrameSink(appender(workerData.file, message.state.offset), message.state);
      return;
    case "payload":
      return sink.append(message.kind, message.meta, message.payload, message.codec);
    case "columns":
      return sink.appendColumns(message.kind, message.meta, message.columns);
    case "finish":
      return sink.finish();
  }
}

parentPort.on("message", (message) => {
  if (control.state === threadStates.failed) return;
  try {
    take(message);
    control.bytesWritten = sink.state.offset;
    control.removeInFlight(message.size);
    control.countTaken();
    if (message.type !== "finish") return;
    parentPort.close();
    control.state = threadStates.closed;
  } catch (error) {
    parentPort.close();
    control.fail(error instanceof Error ? error.message : String(error));
  }
});
control.state = threadStates.ready;
