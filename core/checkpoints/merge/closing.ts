/**
 * A merge ends: the new file takes the place of its chain by one write of the catalog, and what nothing
 * stands on any more goes; or nothing comes of it, and the chain is as it was.
 */
import {
  ask,
  done,
  type Entity,
  fail,
  go,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  together,
  wait,
} from "../../kernel/index.ts";
import { type FileValue, readFileIfAny, surelyWrite, type Written } from "../../disks/index.ts";
import { clientOf, memoryOf } from "../../vmm/index.ts";
import { type Catalog, catalogFile, chainOf, mergedVolume, withMerged } from "../catalog.ts";
import { RESTORE_CLIENT } from "../restore/restorer-state.ts";
import { stopNoting } from "../save/base.ts";
import { settleCheckpoints } from "../settle.ts";
import { giveUp } from "../give-up.ts";
import {
  closeIntent,
  dropVolume,
  INTENT_RETRY_NS,
  MOST_INTENT_TRIES,
  openIntent,
} from "../intent.ts";
import { intentOf, type MergeOp as Op, vmIn } from "./merge-state.ts";

/** What a search must reach, else it shows nothing. */
export const MERGES_CHAIN = "a chain of checkpoints becomes one file";

export const closingPhases = {
  /** A restore reads the files that are about to go until all pages are there. */
  awaitRestore(host: Entity, op: Op) {
    const vm = vmIn(host, op);
    if (vm === undefined) return giveUp("vm-off")(op);
    const restoring = clientOf(memoryOf(vm), RESTORE_CLIENT);
    if (restoring === undefined) return go("openIntent");
    return ask(restoring.owner, "end", {}, "openIntent", { otherwise: "openIntent" });
  },

  /** Nobody else changes the catalog, and no restore begins, until it is closed. */
  openIntent(host: Entity, op: Op) {
    op.edit().commitsSinceNs = host.simulatedNs;
    return openIntent(op.params.array, intentOf(op), "readCatalog", "openLater");
  },

  openLater: (_host: Entity, op: Op, why: Refusal) =>
    why.code === "version-conflict" && ++op.edit().tries < MOST_INTENT_TRIES
      ? wait(INTENT_RETRY_NS, "awaitRestore")
      : closingPhases.giveUp(_host, op, why),

  readCatalog(_host: Entity, op: Op, { version }: { version: number }) {
    op.edit().intentVersion = version;
    return readFileIfAny(op.params.array, catalogFile(op.params.vm), "judge");
  },

  /** The files are those that were read, and nobody reads them. */
  judge(host: Entity, op: Op, file: FileValue | null) {
    const vm = vmIn(host, op);
    if (vm === undefined) return giveUp("vm-off")(op);
    if (clientOf(memoryOf(vm), RESTORE_CLIENT) !== undefined) {
      return closeIntent(op, "awaitRestore", "giveUp");
    }
    const before = file?.value as Catalog | undefined;
    if (before?.merging?.operation !== op.entity.name) return giveUp("superseded")(op);
    const { chain, fileSectors: sectors } = op.state;
    const [{ checkpoint }] = chain as [Op["state"]["chain"][number]];
    const names = (all: Op["state"]["chain"]): string => all.map(({ volume }) => volume).join();
    if (names([...chainOf(before, checkpoint)]) !== names(chain)) return giveUp("superseded")(op);
    const volume = mergedVolume(op.params.vm, checkpoint);
    const after = withMerged(before, chain, { volume, sectors }, op.params.keepOlder);
    const state = op.edit();
    state.dropped = after.dropped as never;
    state.catalog = before as never;
    state.after = after.catalog as never;
    state.catalogVersion = file!.version;
    return op.params.careless === "dropsFirst" ? go("dropFiles") : go("enter");
  },

  /** One atomic write: before it the chain is the checkpoint, after it the one file. */
  enter(_host: Entity, op: Op) {
    const { vm, array } = op.params;
    const { catalog: before, after: value, catalogVersion: version } = op.state;
    const params = { array, name: catalogFile(vm), value: value!, before: before!, version };
    return perform(surelyWrite, params, "entered", "giveUp");
  },

  entered(host: Entity, op: Op, { written }: Written & PlainObject) {
    if (!written) return giveUp("not-committed")(op);
    op.entity.notice("sometimes", { name: MERGES_CHAIN });
    const kept = op.state.after!.checkpoints.map(({ checkpoint }) => checkpoint);
    const gone = op.state.dropped.map(({ checkpoint }) => checkpoint);
    stopNoting(
      vmIn(host, op),
      gone.filter((each) => !kept.includes(each)),
    );
    return op.params.careless === "dropsFirst" ? go("finish") : go("dropFiles");
  },

  dropFiles(_host: Entity, op: Op) {
    const drops = op.state.dropped.map(({ volume }) => dropVolume(op, volume));
    return together(drops, op.params.careless === "dropsFirst" ? "enter" : "finish", "left");
  },

  finish: (_host: Entity, op: Op) => closeIntent(op, "report", "left"),

  /** The array does not answer: what is left over goes with the next checkpoint, or power-on. */
  left: () => go("report"),

  report(host: Entity, op: Op) {
    removeDevices(host, op);
    const { figures, startedNs, commitsSinceNs, fileSectors, dropped } = op.state;
    const freed = dropped.reduce((sum, { sectors }) => sum + sectors, 0);
    return done({
      ...figures,
      droppedFiles: dropped.length,
      freedBytes: freed * 512,
      fileBytes: fileSectors * 512,
      commitNs: host.simulatedNs - commitsSinceNs,
      totalNs: host.simulatedNs - startedNs,
    });
  },

  giveUp(host: Entity, op: Op, why: Refusal | null) {
    op.edit().failure ??= (why ?? { code: "failed", detail: null }) as never;
    removeDevices(host, op);
    // Whoever has the VM now settles what is left over.
    if (vmIn(host, op) === undefined) return go("failed");
    const { vm, array } = op.params;
    const params = { vm, array, ended: op.entity.name };
    return perform(settleCheckpoints, params, "failed", "failLater");
  },

  failLater: (_host: Entity, op: Op, { code }: Refusal) =>
    (code === "busy" || code === "version-conflict") && ++op.edit().tries < MOST_INTENT_TRIES
      ? wait(INTENT_RETRY_NS, "giveUp")
      : go("failed"),

  failed(_host: Entity, op: Op) {
    const { code, detail } = op.state.failure!;
    return fail(code, detail as Plain);
  },
};

function removeDevices({ world }: Entity, op: Op): void {
  for (const device of op.state.devices) {
    const entity = world.entityOrNone(device);
    if (entity !== undefined) world.remove(entity);
  }
  op.edit().devices = [];
}
