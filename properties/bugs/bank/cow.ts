/** Bugs in copy-on-write volumes: their snapshots, reverts, deletions, and the array's part. */
import type { Bug } from "../bug.ts";

const RECOVER = "core/disks/cow/recover-cow-snapshot.ts";
const REVERT = "core/disks/cow/revert.ts";
const DELETE = "core/disks/cow/delete-point.ts";
const COLLECT = "core/disks/cow/collect-garbage.ts";
const VVOLS = "core/platform/storage/vvols";

const suites = ["core/disks/cow", "core/platform/storage/vvols"];

export const cowBugs: readonly Bug[] = [
  {
    name: "clone-name-claimed-twice",
    what: "a copy claims the name of its VM though another copy has it",
    mechanism: "cow",
    file: "core/disks/cow/carry-out.ts",
    find: "{ name: intentFile(target), value: claim, ifVersion: 0, given };",
    replace: "{ name: intentFile(target), value: claim, given };",
    breaks: ["of two copies to one name one alone is made"],
    suites: [...suites, "properties/disks/clone-names.test.ts"],
  },
  {
    name: "clone-name-not-looked-at",
    what: "a copy that claimed its name does not look whether another has ended there since",
    mechanism: "cow",
    file: "core/disks/cow/carry-out.ts",
    find: "    if ([configurationFile(target), ...made].some((name) => files.get(name) !== undefined)) {",
    replace:
      "    if ([configurationFile(target)].some((name) => made.includes(name) && files.get(name))) {",
    breaks: ["of two copies to one name one alone is made"],
    suites: [...suites, "properties/disks/clone-names.test.ts"],
  },
  {
    name: "reverted-under-a-late-write",
    what: "a revert does not refuse what the VM had sent before it went off",
    mechanism: "cow",
    file: REVERT,
    find: '  begin: (_host: Entity, op: Op): Step => closesDisks(op.params, "look"),\n',
    replace:
      '  begin: (_host: Entity, op: Op): Step => closesDisks({ array: op.params.array }, "look"),\n',
    breaks: ["a revert ends at the point in time or where it began"],
    suites: [...suites, "properties/disks/sent-before.test.ts"],
  },
  {
    name: "swizzle-old-first",
    what: "the old descriptor leaves the base before the new one leads to it",
    mechanism: "cow",
    file: RECOVER,
    find: `hold(op.params.array, newHolds(todoOf(op)), asSeen(op), "swizzleNew", "again"),

  swizzleNew: (_host, op) => swizzle(op, todoOf(op).fresh, "base", "swizzleOld"),

  swizzleOld: (_host, op) => swizzle(op, todoOf(op).old, "snapshot", "releaseOld"),`,
    replace: `hold(op.params.array, newHolds(todoOf(op)), asSeen(op), "swizzleOld", "again"),

  swizzleNew: (_host, op) => swizzle(op, todoOf(op).fresh, "base", "releaseOld"),

  swizzleOld: (_host, op) => swizzle(op, todoOf(op).old, "snapshot", "swizzleNew"),`,
    breaks: ["at every moment some descriptor leads to the base"],
    suites,
  },
  {
    name: "reference-dropped-before-pointer",
    what: "old references go before the descriptors that replace them are durable",
    mechanism: "cow",
    file: RECOVER,
    find: `hold(op.params.array, newHolds(todoOf(op)), asSeen(op), "swizzleNew", "again"),`,
    replace: `release(op.params.array, oldHolds(todoOf(op)), asSeen(op), "swizzleNew", "again"),`,
    breaks: ["what a descriptor leads to is held"],
    suites,
  },
  {
    name: "uncommitted-goes-forward",
    what: "recovery completes a snapshot whose descriptors are there, though not all were taken",
    mechanism: "cow",
    file: RECOVER,
    find: `  const intent = view.intent<CowSnapshotIntent>(vm)!;
  const todo`,
    replace: `  const opened = view.intent<CowSnapshotIntent>(vm)!;
  const described = Object.entries(opened.to).flatMap(([disk, name]) => {
    const volume = view.files.descriptor(name)?.volume;
    return volume === undefined || view.baseOf(volume) === undefined ? [] : [[disk, volume]];
  });
  const isWhole = opened.stage === "opened" && described.length === Object.keys(opened.to).length;
  const snapshots = Object.fromEntries(described);
  const intent = isWhole ? { ...opened, stage: "committed" as const, snapshots } : opened;
  const todo`,
    breaks: ["a snapshot of several disks is atomic"],
    suites,
  },
  {
    name: "revert-drops-safety-early",
    what: "the safety snapshot is let go when the array says that the revert is done, not when it stands",
    mechanism: "cow",
    file: REVERT,
    find: `guard: (_host: Entity, op: Op): Step => advance(op, "guarded", op.state.safety, "revert"),`,
    replace: `guard: (_host: Entity, op: Op): Step => advance(op, "guarded", {}, "revert"),`,
    breaks: ["a revert that is cut short goes back to what the disks held"],
    suites,
  },
  {
    name: "revert-without-fence",
    what: "a revert that its host gave up long ago is still done by the array",
    mechanism: "cow",
    file: `${VVOLS}/copy-tasks.ts`,
    find: `  return body.fence < base.fence ? "superseded" : undefined;`,
    replace: `  return body.fence < 0 ? "superseded" : undefined;`,
    breaks: ["a revert of an operation that lost its intent is refused"],
    suites,
  },
  {
    name: "deleted-point-shared",
    what: "a point in time is deleted although a backup reads what differs since it",
    mechanism: "cow",
    file: DELETE,
    find: `      if (sharers.length > 0) {`,
    replace: `      if (sharers.length > 1) {`,
    breaks: ["what an open intent may yet need stays"],
    suites: [...suites, "properties/disks/cow-backups.test.ts"],
  },
  {
    name: "reparented-without-content-id",
    what: "children of a deleted point in time keep the content id of the parent that is gone",
    mechanism: "cow",
    file: DELETE,
    find: `descriptor: { ...view.files.descriptor(child)!, parent, parentCid },`,
    replace: `descriptor: { ...view.files.descriptor(child)!, parent: parentCid < 0 ? "" : parent },`,
    breaks: ["a chain is connected by its content ids"],
    suites,
  },
  {
    name: "descriptors-removed-before-reparenting",
    what: "a deleted point's descriptors go while children still stand on them",
    mechanism: "cow",
    file: DELETE,
    find: `return writeIf(op.params.array, name, value, configurationVersion, "reparent", "again");`,
    replace:
      `return writeIf(op.params.array, name, value, configurationVersion, ` +
      `"removeDescriptors", "again");`,
    breaks: ["no descriptor of a disk leads to nothing"],
    suites,
  },
  {
    name: "garbage-of-open-intent",
    what: "the collector takes what an operation that is under way has just made",
    mechanism: "cow",
    file: COLLECT,
    find: `  return view.files.intents().map(([name]) => INTENT.exec(name)?.[1] ?? name);`,
    replace: `  return view.files.intents().map(([name]) => INTENT.exec(name)?.[2] ?? name);`,
    breaks: ["what an open intent may yet need stays"],
    suites: [...suites, "properties/disks/collect-beside.test.ts"],
  },
  {
    name: "chunk-kept-once-too-few",
    what: "a write that begins in the middle of a chunk does not keep the part before it",
    mechanism: "cow",
    file: `${VVOLS}/keep.ts`,
    find: `    const from = sector * chunkSectors;
    const to = Math.min((sector + sectors) * chunkSectors, size);
    return vvolAllocation`,
    replace: `    const from = Math.max(sector * chunkSectors, range.sector);
    const to = Math.min((sector + sectors) * chunkSectors, size);
    return vvolAllocation`,
    breaks: ["the content of a point in time is immutable"],
    suites,
  },
  {
    name: "difference-one-chunk-short",
    what: "of a run of chunks that differ the last is left out",
    mechanism: "cow",
    file: `${VVOLS}/differences.ts`,
    find: `      changed.writeZeros(run.sector, run.sectors);`,
    replace: `      if (run.sectors > 1) changed.writeZeros(run.sector, run.sectors - 1);
      else changed.writeZeros(run.sector, run.sectors);`,
    breaks: ["differences are never under-approximated"],
    report: "https://github.com/ceph/ceph/pull/39155",
    suites,
  },
  {
    name: "difference-skips-newest",
    what: "what was overwritten since the older of two snapshots was taken is left out",
    mechanism: "cow",
    file: `${VVOLS}/differences.ts`,
    find: `  for (const snapshot of snapshots.slice(from, to)) {`,
    replace: `  for (const snapshot of snapshots.slice(from + 1, to)) {`,
    breaks: ["differences are never under-approximated"],
    suites,
  },
  {
    name: "holes-not-copied",
    what: "where the newer of two holds nothing any more, the copy keeps what the older held",
    mechanism: "cow",
    file: `${VVOLS}/copy-tasks.ts`,
    find: `  return [
    ...pieces,
    ...hidden.map(`,
    replace: `  return [
    ...pieces,
    ...hidden.slice(hidden.length).map(`,
    breaks: ["a copy equals its source"],
    report: "https://github.com/openzfs/zfs/issues/4996",
    suites: [
      ...suites,
      "properties/disks/cow-oracle.test.ts",
      "properties/disks/cow-scenarios.test.ts",
    ],
  },
  {
    name: "snapshot-misses-cached-writes",
    what: "what is in the array's write cache when a snapshot is taken is taken for a hole of it",
    mechanism: "cow",
    file: `${VVOLS}/hierarchy.ts`,
    find: `  persistMedium(device(arrayOf(self)), volumeLabel(known.base), Infinity);
  const durable`,
    replace: "  const durable",
    breaks: ["a point in time holds all that was acknowledged"],
    report: "https://github.com/openzfs/zfs/issues/15526",
    suites,
  },
];
