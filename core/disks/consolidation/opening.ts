/**
 * How every method of consolidation begins: the intent is durable before anything else, sharers are
 * looked for under it, and the point in time is struck from the configuration before its layer
 * takes in a single sector; for from then on that layer alone is no point in time any more.
 */
import {
  type Entity,
  fail,
  go,
  perform,
  type Plain,
  type PlainObject,
  wait,
} from "../../kernel/index.ts";
import { ArrayFiles, type Scan, scan } from "../chain/array-files.ts";
import { AGAIN_NS, removeIntent } from "../chain/array-requests.ts";
import { whileOpen } from "../chain/open-disks.ts";
import { disksAsRead, opensIntent } from "../chain/open-intent.ts";
import { configurationFile, intentFile, type VmConfiguration } from "../chain/descriptor.ts";
import { surelyWrite, type Written } from "../chain/surely-write.ts";
import { type ConsolidationOp, intentOf } from "./consolidation-state.ts";
import type { ConsolidationIntent, ConsolidationMethod } from "./intent.ts";
import { planMerges, withoutPoint } from "./plan.ts";

/** Phases up to `next`; a refusal leaves everything as it was. */
export const openingPhases = (method: ConsolidationMethod, next: string) => ({
  begin(host: Entity, op: ConsolidationOp) {
    op.edit().startedNs = host.simulatedNs;
    return scan(op.params.array, op.params.resume === undefined ? "openIntent" : "takeUp");
  },

  /** From here on no linked clone of the target can be taken, and no other operation begins. */
  openIntent: whileOpen((_host: Entity, op: ConsolidationOp, _disks, found: Scan) => {
    const { vm, pointInTime, array } = op.params;
    const files = new ArrayFiles(found);
    const plan = planHere(op, files);
    if (!plan.ok) return fail(plan.code, plan.detail as Plain);
    op.edit().merges = plan.merges as never;
    const value: ConsolidationIntent = {
      kind: "consolidate",
      operation: op.identity,
      vm,
      method,
      pointInTime,
      merges: plan.merges,
    };
    const given = disksAsRead(files, vm);
    return opensIntent(array, intentFile(vm), value, given, "lookForSharers");
  }),

  refuse: (_host: Entity, _op: ConsolidationOp, why: { code: string; detail: Plain }) =>
    fail(why.code, why.detail),

  lookForSharers(_host: Entity, op: ConsolidationOp, { version }: { version: number }) {
    op.edit().intentVersion = version;
    return scan(op.params.array, "refuseIfShared", "closeRefused");
  },

  /** Checked again under the intent: a clone taken earlier would see our writes. */
  refuseIfShared(_host: Entity, op: ConsolidationOp, found: Scan) {
    const files = new ArrayFiles(found);
    const plan = planHere(op, files);
    if (!plan.ok) {
      op.edit().failure = { code: plan.code, detail: plan.detail as never };
      return go("closeRefused");
    }
    const file = files.get(configurationFile(op.params.vm))!;
    const state = op.edit();
    state.merges = plan.merges as never;
    state.configuration = file.value as never;
    state.configurationVersion = file.version;
    return go("forgetPoint");
  },

  forgetPoint(_host: Entity, op: ConsolidationOp) {
    const { configuration, configurationVersion } = op.state;
    const { array, vm, pointInTime } = op.params;
    const params = {
      array,
      name: configurationFile(vm),
      value: withoutPoint(configuration!, pointInTime),
      before: configuration!,
      version: configurationVersion,
    };
    return perform(surelyWrite, params as unknown as PlainObject, "forgotten", "closeRefused");
  },

  forgotten: (_host: Entity, _op: ConsolidationOp, { written }: Written & PlainObject) =>
    go(written ? next : "closeRefused"),

  closeRefused(_host: Entity, op: ConsolidationOp, why: { code: string; detail: Plain } | null) {
    op.edit().failure ??= (why ?? { code: "not-begun", detail: null }) as never;
    return removeIntent(op.params.array, intentOf(op), "failed", "closeRefusedAgain");
  },

  /** The VM runs on: nobody else would close it before its next power-on. */
  closeRefusedAgain: () => wait(AGAIN_NS, "closeRefused"),

  /** An earlier operation was cut short after the point in time was given up: it goes on. */
  takeUp(_host: Entity, op: ConsolidationOp, found: Scan) {
    const files = new ArrayFiles(found);
    const { resume, vm } = op.params;
    const intent = files.get(intentFile(vm));
    if (resume === undefined || intent === undefined) return fail("no-intent");
    const configuration = files.get(configurationFile(vm))!;
    const state = op.edit();
    state.merges = resume.merges as never;
    state.intentVersion = intent.version;
    state.configuration = configuration.value as VmConfiguration as never;
    state.configurationVersion = configuration.version;
    for (const [disk, { child, targetVolume }] of Object.entries(resume.merges)) {
      if (child === null || files.descriptor(child)?.volume !== targetVolume) continue;
      state.switched.push(disk);
    }
    // What a crash leaves of another method has layers of its own, and ends with the mirror.
    state.takesAll ||= resume.method !== "mirror";
    return go(next);
  },

  failed(_host: Entity, op: ConsolidationOp) {
    const { code, detail } = op.state.failure!;
    return fail(code, detail as Plain);
  },
});

function planHere(op: ConsolidationOp, files: ArrayFiles) {
  const { vm, pointInTime, under = [] } = op.params;
  return planMerges(files, vm, pointInTime, [intentFile(vm), ...under]);
}
