/** Bugs in recording and replaying. */
import type { Bug } from "../bug.ts";

const RECORDER = "traces/recording/recorder.ts";
const BOUNDARY = "core/vmm/boundary.ts";

export const traceBugs: readonly Bug[] = [
  {
    name: "draws-after-last-epoch-lost",
    what: "what was drawn since the last epoch is not in the trace of an interrupted run",
    mechanism: "traces",
    file: RECORDER,
    find: "    this.#world?.gate.flush();\n    this.#flush();\n    await",
    replace: "    this.#flush();\n    await",
    breaks: ["a recorded run replays"],
  },
  {
    name: "draws-of-building-lost",
    what: "draws that building the world made are not in the trace",
    mechanism: "traces",
    file: RECORDER,
    find: "    for (const [streams, results] of this.#early) this.#onDraws(streams, results);\n",
    replace: "",
    breaks: ["a recorded run replays"],
  },
  {
    name: "input-not-logged",
    what: "a live input takes effect and is not recorded",
    mechanism: "traces",
    file: RECORDER,
    find: "    this.#inputs.push({ event, timeNs, target, handler, arg });\n",
    replace: "    if (timeNs < 0) this.#inputs.push({ event, timeNs, target, handler, arg });\n",
    breaks: ["live input replays without its source"],
    report: "https://github.com/rr-debugger/rr/issues/308",
  },
  {
    name: "boundary-entry-dropped",
    what: "when a chunk of a VM's boundary log is full its last entry is lost",
    mechanism: "traces",
    file: "traces/recording/boundary-log.ts",
    find: "    for (const [vm, entries] of this.#pending) this.#write(vm, entries);",
    replace:
      "    for (const [vm, entries] of this.#pending) this.#write(vm, entries.slice(0, -1));",
    breaks: ["a VM replays alone from its boundary log"],
  },
  {
    name: "guest-draw-not-logged",
    what: "what a protected guest drew is not in the log that its backup follows",
    mechanism: "traces",
    file: BOUNDARY,
    find: "    this.draws.push(drawn);\n",
    replace: "    if (this.draws.length === 0) this.draws.push(drawn);\n",
    breaks: ["a backup computes what its primary computed"],
  },
  {
    name: "step-committed-twice",
    what: "a step of a protected machine that counts already counts again",
    mechanism: "traces",
    file: BOUNDARY,
    find: "if (durable.steps !== at ||",
    replace: "if (durable.steps < at ||",
    breaks: ["one that counts already counts once"],
  },
  {
    name: "ladder-forgets-base",
    what: "a snapshot is written against one that is kept, but not the one that a reader takes",
    mechanism: "traces",
    file: "traces/recording/snapshot-ladder.ts",
    find: "    const base = this.#images.get(ladderBase(index))!;",
    replace: "    const base = this.#images.get(index > 2 ? 0 : ladderBase(index))!;",
    breaks: ["a seek gives the world as it was"],
  },
  {
    name: "seek-skips-inputs",
    what: "a run that goes on from a snapshot is given an input a second time",
    mechanism: "traces",
    file: "traces/replaying/input-log.ts",
    find: "    this.#next = taken;\n",
    replace: "    this.#next = Math.max(0, taken - 1);\n",
    breaks: ["a seek gives the world as it was"],
  },
];
