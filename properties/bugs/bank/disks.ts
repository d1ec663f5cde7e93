/** Bugs in virtual disks on redo logs: chains, snapshots, growing. */
import type { Bug } from "../bug.ts";

const SNAPSHOT = "core/disks/snapshot/snapshot.ts";
const LAYERS = "core/disks/chain/layers.ts";
const SURELY = "core/disks/chain/surely-write.ts";

export const diskBugs: readonly Bug[] = [
  {
    name: "snapshot-without-flush",
    what: "a point in time is made of what is still in caches",
    mechanism: "disks",
    file: SNAPSHOT,
    find: 'disks.every(isDrained) ? go("flush") : lookAgain(DRAIN_POLL_NS, "drain"),',
    replace: 'disks.every(isDrained) ? go("switchOver") : lookAgain(DRAIN_POLL_NS, "drain"),',
    breaks: ["a point in time is on stable storage before anything makes it one"],
  },
  {
    name: "snapshot-without-drain",
    what: "writes that are under way when the guest is stunned land in the point in time",
    mechanism: "disks",
    file: SNAPSHOT,
    find: "      disks.every(isDrained) ? go(",
    replace: "      disks.length > 0 ? go(",
    breaks: ["the content of a point in time is immutable"],
  },
  {
    name: "switch-taken-for-none",
    what: "a switch-over that another write to the configuration followed is undone",
    mechanism: "disks",
    file: SNAPSHOT,
    find: 'return go(why.code === "version-conflict" ? "lookForSwitch" : "undoStunned");',
    replace: 'return go("undoStunned");',
    breaks: ["a VM runs on the layers that its configuration names"],
  },
  {
    name: "intent-left-behind",
    what: "a snapshot that the array did not answer leaves its intent, and nothing can begin any more",
    mechanism: "disks",
    file: SNAPSHOT,
    find: 'closeIntent: (_host, op) => removeIntent(op, "report", "closeAgain"),',
    replace: 'closeIntent: (_host, op) => removeIntent(op, "report", "report"),',
    breaks: ["an intent is closed when its operation ends"],
  },
  {
    name: "recovery-drops-switched-layers",
    what: "recovery removes new layers that the configuration already names",
    mechanism: "disks",
    file: "core/disks/snapshot/recover-snapshot.ts",
    find: "made.every(([disk, descriptor]) => running[disk] === descriptor);",
    replace: "made.every(([disk, descriptor]) => running[disk] !== descriptor);",
    breaks: ["what was acknowledged is read after a restart"],
  },
  {
    name: "timeout-taken-for-failure",
    what: "a switch-over that timed out is undone although the array did it",
    mechanism: "disks",
    file: SURELY,
    find: 'write: (_host, op) => write(op, op.params.value, "report", "fence"),',
    replace:
      'write: (_host, op) => write(op, op.params.value, "report", "gaveUp"),\n\n' +
      "  gaveUp: (_host, op) => done({ written: false, version: op.params.version }),",
    breaks: ["no descriptor of a disk leads to nothing"],
    report: "https://github.com/apache/cloudstack/issues/14030",
  },
  {
    name: "fence-misread",
    what: "a file that is found with the new value is taken to be as before",
    mechanism: "disks",
    file: SURELY,
    find: "if (equalPlain(value, op.params.value)) return done({ written: true, version });",
    replace: "if (equalPlain(value, op.params.value)) return done({ written: false, version });",
    breaks: ["no descriptor of a disk leads to nothing"],
  },
  {
    name: "lower-layer-shown",
    what: "what is written into a layer in the middle hides what layers above it hold",
    mechanism: "disks",
    file: LAYERS,
    find: "    if (piece.layer > layer) continue;\n",
    replace: "",
    breaks: ["the guest reads what it wrote"],
  },
  {
    name: "index-not-rebuilt",
    what: "after a layer went the index over the layers still leads to it",
    mechanism: "disks",
    file: LAYERS,
    find: "  disk.world.contents.remove(`${disk.name}#where`);\n  const where",
    replace: "  const where",
    breaks: ["the guest reads what it wrote"],
  },
  {
    name: "point-reads-too-high",
    what: "a read of a point in time also sees the layer above it",
    mechanism: "disks",
    file: "core/disks/chain/virtual-disk.ts",
    find: "if (layer >= 0) return startRead(self, id, locateUpTo(self, layer, sector, sectors));",
    replace:
      "if (layer >= 0) return startRead(self, id, locateUpTo(self, self.volatile.layers.length - 1," +
      " sector, sectors));",
    breaks: ["a backup equals its point in time"],
  },
  {
    name: "copy-up-lands-on-write",
    what: "a write into a grain that is being copied up does not wait for it",
    mechanism: "disks",
    file: "core/disks/chain/range-locks.ts",
    find: 'if (self.volatile.layers.length === 1 || body.op === "copy") {',
    replace: 'if (self.volatile.layers.length === 1 || body.op !== "") {',
    breaks: ["an older copy never lands on a newer write"],
  },
  {
    name: "grow-before-volume",
    what: "the descriptor tells the new size after the array has refused it",
    mechanism: "disks",
    file: "core/disks/grow/resize-volumes.ts",
    find: `code === "timeout" ? go("pause") : fail(code, detail),`,
    replace: `code === "timeout" ? go("pause") : detail === undefined ? fail(code) : go("report"),`,
    breaks: ["a disk is not larger than its volume"],
    suites: ["properties/disks/grow-disks.test.ts"],
  },
  {
    name: "grow-forgets-recovery",
    what: "after a crash a disk that was growing is left half grown",
    mechanism: "disks",
    file: "core/disks/grow/recover-grow.ts",
    find: '{ array, volumes, toSectors }, "look", "closeIntent");',
    replace: '{ array, volumes, toSectors }, "closeIntent", "closeIntent");',
    breaks: ["descriptor and volume agree after a recovery"],
    suites: ["properties/disks/grow-disks.test.ts"],
  },
];
