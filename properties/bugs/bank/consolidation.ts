/** Bugs in merging layers and in promoting linked clones. */
import type { Bug } from "../bug.ts";

const CLOSING = "core/disks/consolidation/closing.ts";
const PASS = "core/disks/consolidation/consolidate.ts";
const LOCKS = "core/disks/chain/range-locks.ts";
const COPY = "core/disks/chain/copy-range.ts";
const DISK = "core/disks/chain/virtual-disk.ts";
const WRITES = "core/disks/chain/write-path.ts";
const PROMOTE = "core/disks/promotion/promote.ts";

const crashes = ["core/disks/consolidation", "properties/disks/consolidation-crashes.test.ts"];

export const consolidationBugs: readonly Bug[] = [
  {
    name: "mirror-without-lock",
    what: "the copier writes an old sector over what the guest wrote to it meanwhile",
    mechanism: "consolidation",
    file: LOCKS,
    find: '    if (copies && merge !== null && merge.lock !== "range") {',
    replace: '    if (copies && merge !== null) {\n      if (merge.lock === "range") continue;',
    breaks: ["what the guest reads does not depend on how far a merge has come"],
    suites: crashes,
  },
  {
    name: "mirror-compares-start-only",
    what: "a write that begins before the range that is copied and ends in it does not wait",
    mechanism: "consolidation",
    file: LOCKS,
    find: 'merge !== null && merge.lock !== "range") {',
    replace: 'merge !== null && merge.lock !== "none") {',
    breaks: ["what the guest reads does not depend on how far a merge has come"],
    suites: crashes,
  },
  {
    name: "mirror-misses-writes-at-start",
    what: "writes under way when the mirror starts go to the source alone",
    mechanism: "consolidation",
    file: PASS,
    find: "op.params.careless?.undrained === true || disks.every(isDrained);",
    replace: "disks.length > 0;",
    breaks: ["the target equals the view when it takes its place"],
    report: "https://github.com/autotest/tp-qemu/pull/4456",
    suites: crashes,
  },
  {
    name: "mirror-acknowledges-early",
    what: "a write is answered when the source has it, whatever the target says",
    mechanism: "consolidation",
    file: WRITES,
    find: "  pass(self, id, target, request, targetTag(mergeId));",
    replace:
      "  pass(self, id, target, request, targetTag(mergeId));\n" +
      "  flightOf(self, id).outstanding--;",
    breaks: ["the target equals the view when it takes its place"],
    suites: crashes,
  },
  {
    name: "target-error-reaches-guest",
    what: "a target that fails makes the guest's writes fail",
    mechanism: "consolidation",
    file: DISK,
    find: '  flight.target = "failed";\n',
    replace:
      '  flight.target = "failed";\n' +
      "  flight.error ??= { code: reply.code, detail: reply.detail };\n",
    breaks: ["a failure of the target alone never reaches the guest"],
    suites: crashes,
  },
  {
    name: "suspects-forgotten",
    what: "where a write failed on the delta alone the two are left to differ",
    mechanism: "consolidation",
    file: DISK,
    find: "    if (error !== null) edited.suspects.push({ sector, sectors });\n",
    replace: "",
    breaks: ["the target equals the view when it takes its place"],
    suites: crashes,
  },
  {
    name: "zeros-left-out",
    what: "zeros of the delta are not written to a target that hides data below",
    mechanism: "consolidation",
    file: COPY,
    find: 'if (!isZero || merge.zeros === "write")',
    replace: "if (!isZero)",
    breaks: ["the target equals the view when it takes its place"],
    suites: crashes,
  },
  {
    name: "merge-without-last-flush",
    what: "the pointer swings to a target that has the last writes in its caches only",
    mechanism: "consolidation",
    file: PASS,
    find: '    return flushTargets(op, disks, "switchOver");',
    replace: '    return go("switchOver");',
    breaks: ["everything the new chain consists of is durable before a pointer leads to it"],
    suites: [...crashes, "properties/disks/unprotected-caches.test.ts"],
  },
  {
    name: "delta-dropped-before-switch",
    what: "the delta of a merge that was given up is removed as if its pointer had swung",
    mechanism: "consolidation",
    file: CLOSING,
    find: "      if (child !== null && !op.state.switched.includes(disk)) return [];\n",
    replace: "",
    breaks: ["no descriptor of a disk leads to nothing"],
    suites: crashes,
  },
  {
    name: "wrong-leaf-after-crash",
    what: "recovery takes the layer that was merged for the one that is the disk",
    mechanism: "consolidation",
    file: "core/disks/consolidation/recover-consolidation.ts",
    find: "if (child !== null && files.descriptor(child)?.volume !== targetVolume) return helpers;",
    replace:
      "if (child !== null && files.descriptor(child)?.volume === targetVolume) return helpers;",
    breaks: ["no descriptor of a disk leads to nothing"],
    report: "https://github.com/oVirt/ovirt-site/pull/492",
    suites: crashes,
  },
  {
    name: "repointed-to-old-volume",
    what: "the child's descriptor gets the target's parent and keeps its own volume",
    mechanism: "consolidation",
    file: CLOSING,
    find: "  return { ...child, parent, parentCid, volume, kind };",
    replace: '  return { ...child, parent, parentCid, kind, ...(kind === "flat" && { volume }) };',
    breaks: ["no descriptor of a disk leads to nothing"],
    suites: crashes,
  },
  {
    name: "content-id-not-carried",
    what: "after a merge the child names the content id of a parent that is gone",
    mechanism: "consolidation",
    file: CLOSING,
    find: "  const { parent, parentCid, volume, kind } = target;",
    replace: "  const { parent, volume, kind } = target;\n  const { parentCid } = child;",
    breaks: ["a chain is connected by its content ids"],
    suites: crashes,
  },
  {
    name: "shared-layer-merged",
    what: "whether another VM shares the target is not looked at again under the intent",
    mechanism: "consolidation",
    file: "core/disks/consolidation/opening.ts",
    find: "    const plan = planHere(op, files);\n    if (!plan.ok) {",
    replace:
      "    const plan = { ...planHere(op, files), ok: true, merges: op.state.merges };\n" +
      "    if (!plan.ok) {",
    breaks: ["siblings of a linked clone do not change"],
    suites: [...crashes, "properties/disks/clone-crashes.test.ts"],
  },
  {
    name: "promotion-misses-own-layers",
    what: "the copier leaves out what the clone's lowest layer holds",
    mechanism: "promotion",
    file: PROMOTE,
    find: "        for (let layer = 1; layer <= to; layer++) {",
    replace: "        for (let layer = 2; layer <= to; layer++) {",
    breaks: ["the new base equals what the clone saw"],
    suites: ["core/disks/promotion", "properties/disks/clone-crashes.test.ts"],
  },
  {
    name: "promotion-misses-newest-shared",
    what: "of the layers that the clone shares the newest is not copied",
    mechanism: "promotion",
    file: PROMOTE,
    find: "shared.flatMap(({ ranges }) => ranges)",
    replace: "shared.slice(1).flatMap(({ ranges }) => ranges)",
    breaks: ["the current disk reads as written, however far a merge has come"],
    suites: ["core/disks/promotion", "properties/disks/clone-crashes.test.ts"],
  },
  {
    name: "clone-of-what-is-given-up",
    what: "a linked clone is put on a point in time that another operation is about to give up",
    mechanism: "promotion",
    file: "core/disks/clone/linked-clone.ts",
    find: '        if (busy.length > 0) state.failure = { code: "source-busy", detail: busy };\n',
    replace: "",
    breaks: ["every volume belongs to a chain, every chain is whole"],
    suites: ["core/disks/clone", "properties/disks/clone-crashes.test.ts"],
  },
  {
    name: "clone-above-what-is-given-up",
    what: "a linked clone is put above a point in time that another operation is about to give up",
    mechanism: "promotion",
    file: "core/disks/clone/linked-clone.ts",
    find: "flatMap((target) => files.chainOf(target).slice(1));",
    replace: "flatMap((): string[] => []);",
    breaks: ["a VM runs on the layers that its configuration names, and they are there"],
    suites: ["core/disks/clone", "properties/disks/clone-crashes.test.ts"],
  },
];
