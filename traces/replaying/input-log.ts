/**
 * Recorded live inputs, given to the world again after as many events as when they were recorded.
 */
import type { StopReason, World } from "../../core/kernel/index.ts";
import { chunkKinds, type Trace } from "../format/index.ts";
import { injectInput } from "../recording/recorder.ts";
import type { InputRow } from "../trace-chunks.ts";

export class InputLog {
  readonly #rows: InputRow[] = [];
  #next = 0;

  constructor(trace: Trace) {
    for (const chunk of trace.chunks(chunkKinds.inputs)) {
      const result = trace.readPlain(chunk);
      if (result.ok) this.#rows.push(...(result.value as unknown as InputRow[]));
    }
  }

  /** `taken` inputs lie before the place where the run goes on. */
  seek(taken: number): void {
    this.#next = taken;
  }

  /** Runs the world like `world.run`, with the inputs in their places. */
  run(world: World, untilNs: number, untilEvent: number): StopReason {
    for (;;) {
      this.#injectDue(world);
      const next = this.#rows[this.#next]?.event ?? Infinity;
      const reason = world.run({ untilNs, untilEvent: Math.min(untilEvent, next) });
      if (reason !== "event" || world.eventCount >= untilEvent) return reason;
    }
  }

  #injectDue(world: World): void {
    for (;;) {
      const row = this.#rows[this.#next];
      if (row === undefined || row.event > world.eventCount) return;
      this.#next++;
      // Real guests had run on since the last event.
      const { timeNs = world.timeNs } = row;
      if (timeNs > world.timeNs) world.run({ untilNs: timeNs });
      injectInput(world, row.target, row.handler, row.arg);
    }
  }
}
