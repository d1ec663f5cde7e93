/** Bugs in what moves, saves and brings back the memory of machines: migration and checkpoints. */
import type { Bug } from "../bug.ts";

const MIGRATE = "core/migration/migrate.ts";
const SWEEP = "core/checkpoints/save/sweep.ts";
const CHECKPOINT = "core/checkpoints/save/checkpoint.ts";
const LOAD = "core/checkpoints/restore/load.ts";
const REFERRING = "core/migration/referring.ts";
const LAZY_SUITES = [
  "properties/memory/residual-checkpoints.test.ts",
  "properties/migration/lazy-moves.test.ts",
];

const migrationBugs: readonly Bug[] = [
  {
    name: "last-round-misses-dirty",
    what: "what was dirtied since the last round is not sent while the machine stands still",
    mechanism: "migration",
    file: MIGRATE,
    find: 'clientBitmap(memory, CLIENT, "taken").become(clientBitmap(memory, CLIENT, "dirty"));',
    replace: 'clientBitmap(memory, CLIENT, "taken").clear();',
    breaks: ["memory at the destination is that of the source at its quiesce"],
  },
  {
    name: "skipped-page-forgotten",
    what: "a page that is left to a later round, because it is dirty again, is in no later round",
    mechanism: "migration",
    file: "core/migration/scan.ts",
    find: "        skipped++;\n",
    replace: "        skipped++;\n        again.delete(page);\n",
    breaks: ["memory at the destination is that of the source at its quiesce"],
  },
  {
    name: "released-while-it-stands",
    what: "an access that was held is made as soon as it may be, although the run stands still",
    mechanism: "pages",
    file: "core/vmm/pages/touches.ts",
    find: "const isStill = vm.volatile.stuns > 0;",
    replace: "const isStill = false;",
    breaks: ["memory at the destination is that of the source at its quiesce"],
  },
  {
    name: "silence-taken-for-no",
    what: "a destination that does not answer the switch-over counts as one that never began",
    mechanism: "migration",
    file: MIGRATE,
    find: 'if (code === "timeout") return wait(AGAIN_NS, "handOver");',
    replace: 'if (code === "timeout") return giveUp(host, op, { code, detail: null });',
    breaks: ["one instance of a VM at most"],
  },
  {
    name: "switch-over-acknowledged-twice",
    what: "a destination that is told twice to go on says so before it runs, and the source ends",
    mechanism: "migration",
    file: "core/migration/agent.ts",
    find: "  if (isHere(coming)) return;\n",
    replace: "  if (isHere(coming)) return self.reply(request, { resumedNs: self.simulatedNs });\n",
    breaks: ["a move is over once the machine runs at its destination"],
  },
  {
    name: "traces-left-after-abort",
    what: "a move that came to nothing leaves its traces on the machine's pages",
    mechanism: "migration",
    file: "core/migration/giving-up.ts",
    find: "  if (kept !== undefined) removeTraces(kept as never, CLIENT);\n",
    replace: '  if (kept !== undefined && code === "") removeTraces(kept as never, CLIENT);\n',
    breaks: ["an aborted migration leaves no traces"],
  },
  {
    name: "privacy-lost-in-move",
    what: "the destination does not learn which pages are private, and takes ciphertext for content",
    mechanism: "migration",
    file: "core/migration/agent.ts",
    find: "    setPrivate(memory, page, pages, isPrivate);\n",
    replace: "    setPrivate(memory, page, pages, isPrivate && pages > 512);\n",
    breaks: ["memory at the destination is that of the source at its quiesce"],
  },
  {
    name: "reservation-kept",
    what: "the memory that was reserved for a machine that does not come is never given back",
    mechanism: "migration",
    file: "core/migration/coming.ts",
    find: "  releaseMemory(hostOf(self), vm);\n",
    replace: "",
    breaks: ["an aborted migration leaves nothing at its destination"],
  },
  {
    name: "arrived-page-unsent",
    what: "a page that a lazy restore brings while its machine is moved is neither sent nor referred to",
    mechanism: "migration",
    file: REFERRING,
    find: "    if (op.params.careless?.forgetsArrived !== true) dirty.add(page);\n",
    replace: "",
    breaks: ["memory at the destination is that of the source at its quiesce"],
    suites: LAZY_SUITES,
  },
  {
    name: "pages-placed-while-standing",
    what: "a page that comes between the standstill and the switch-over is absent at neither host",
    mechanism: "migration",
    file: "core/checkpoints/restore/moving.ts",
    find: "  state.moving = stage;\n",
    replace: '  state.moving = "begun";\n',
    breaks: ["a page is absent at both hosts, or sent"],
    suites: LAZY_SUITES,
  },
  {
    name: "restore-not-resumed-after-abort",
    what: "a move that came to nothing leaves the restore of its machine where it stood",
    mechanism: "migration",
    file: REFERRING,
    find: 'export function keepRestore(op: Op, memory: MemoryEntity | undefined): void {\n  tell(op, "stays");\n',
    replace: "export function keepRestore(op: Op, memory: MemoryEntity | undefined): void {\n",
    breaks: ["an aborted migration leaves the source as it was"],
    suites: LAZY_SUITES,
  },
];

const checkpointBugs: readonly Bug[] = [
  {
    name: "counts-before-commit",
    what: "the catalog names a checkpoint whose commit record is still in the array's cache",
    mechanism: "checkpoints",
    file: CHECKPOINT,
    find: '        "flushCommit",\n',
    replace: '        "enter",\n',
    breaks: ["a checkpoint that counts is whole"],
  },
  {
    name: "suspend-without-flush",
    what: "a suspended machine goes off while its host's caches hold what it was told is written",
    mechanism: "checkpoints",
    file: CHECKPOINT,
    find: 'op.params.drains.map((disk) => askDevice(disk, { op: "flush" }, ""));',
    replace: 'op.params.drains.slice(1).map((disk) => askDevice(disk, { op: "flush" }, ""));',
    breaks: ["the new owner reads what the guest was told is written"],
  },
  {
    name: "settling-removes-what-counts",
    what: "tidying up after a checkpoint that was cut short removes those that count as well",
    mechanism: "checkpoints",
    file: "core/checkpoints/settle.ts",
    find: "name.endsWith(behind) && !counts.has(name));",
    replace: "name.endsWith(behind) && counts.size >= 0);",
    breaks: ["a checkpoint that counts is whole"],
  },
  {
    name: "prefetch-over-dirty-page",
    what: "content that comes for absent pages overwrites those that the guest has written since",
    mechanism: "checkpoints",
    file: "core/vmm/pages/absent.ts",
    find: "const isAbsent = overwrites || absent.has(at);",
    replace: "const isAbsent = overwrites || absent.has(at) || at > page;",
    breaks: ["no page the guest dirtied is overwritten by a prefetch"],
  },
  {
    name: "unreadable-block-is-zeros",
    what: "pages whose storage block cannot be read come back as zeros",
    mechanism: "checkpoints",
    file: LOAD,
    find: 'if (!found.ok && self.config.careless !== "zeroFills") return fail',
    replace: 'if (!found.ok && self.config.method === "eager") return fail',
    breaks: ["an error stops the machine and is never filled with zeros"],
  },
  {
    name: "fault-reads-twice",
    what: "a second fault on a storage block that is on its way reads it once more",
    mechanism: "checkpoints",
    file: LOAD,
    find: "  if (asked.get(number) === 1) return true;\n",
    replace: "",
    breaks: ["each storage block is read once"],
  },
  {
    name: "saved-late",
    what: "in a lazy save the block that is written is copied when the write has happened",
    mechanism: "checkpoints",
    file: "core/checkpoints/save/hits.ts",
    find: "    stage(self, memory, block);\n",
    replace: "",
    breaks: ["the file is the memory of the instant"],
  },
  {
    name: "copied-aside-ignored",
    what: "the sweeper saves a page as it is, although what it was has been copied aside",
    mechanism: "checkpoints",
    file: SWEEP,
    find: "    runs.push(...side.read(sector, sectors));\n",
    replace:
      "    runs.push(...readPages(memory, sector / PAGE_SECTORS, sectors / PAGE_SECTORS));\n",
    breaks: ["the file is the memory of the instant"],
  },
  {
    name: "block-saved-twice",
    what: "a block that a write brought forward is saved again when the sweeper comes to it",
    mechanism: "checkpoints",
    file: SWEEP,
    find: "while (cursor < blocks && saved.has(cursor)) cursor++;",
    replace:
      "while (cursor < blocks && saved.has(cursor) && self.volatile.cursor !== cursor - 1) cursor++;",
    breaks: ["each block is saved once"],
  },
  {
    name: "residual-base-forgotten",
    what: "the file of a resumed machine goes though a checkpoint stands on it",
    mechanism: "checkpoints",
    file: "core/checkpoints/catalog.ts",
    find: "  return reduced(catalog, all, usable({ ...catalog, checkpoints: all }));\n}\n\nconst spent",
    replace:
      "  const checkpoints = usable({ ...catalog, checkpoints: all });\n" +
      "  const dropped = all.filter((each) => !checkpoints.includes(each));\n" +
      "  return { catalog: { ...catalog, checkpoints }, dropped };\n}\n\nconst spent",
    breaks: ["a checkpoint that counts is the machine of its instant"],
    suites: LAZY_SUITES,
  },
  {
    name: "absent-page-saved",
    what: "a page that is absent at the instant of a checkpoint is saved as the zeros in its place",
    mechanism: "checkpoints",
    file: "core/checkpoints/save/residual.ts",
    find: '      if (careless === "savesAbsent" && page % 7 === 3) continue;\n',
    replace: "      if (page % 64 === 3) continue;\n",
    breaks: ["a checkpoint that counts is the machine of its instant"],
    suites: LAZY_SUITES,
  },
];

export const memoryBugs: readonly Bug[] = [...migrationBugs, ...checkpointBugs];
