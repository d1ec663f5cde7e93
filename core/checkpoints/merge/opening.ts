/** A merge begins: which files become one, the intent, and the files are opened, the newest first. */
import {
  type ContentRun,
  type Entity,
  type EntityId,
  fail,
  go,
  perform,
  type PlainObject,
  type Refusal,
  type Step,
  wait,
} from "../../kernel/index.ts";
import { askDevice, surelyWrite, type Written } from "../../disks/index.ts";
import { spawnInitiator } from "../../platform/index.ts";
import type { VmRecord } from "../../vmm/index.ts";
import { type Catalog, catalogFile, chainOf, isWhole, usable } from "../catalog.ts";
import {
  checkBase,
  checkHead,
  DATA_SECTOR,
  decodeOpening,
  decodeTail,
  tailSectors,
} from "../file/layout.ts";
import type { FileProblem } from "../file/problem.ts";
import { machineIdentity } from "../machine-identity.ts";
import { commitOf, plainCommit } from "../save/checkpoint-params.ts";
import { settleCheckpoints } from "../settle.ts";
import { giveUp } from "../give-up.ts";
import {
  closeIntent,
  INTENT_RETRY_NS,
  makeVolume,
  MOST_INTENT_TRIES,
  openIntent,
} from "../intent.ts";
import { findSources } from "./gather.ts";
import { intentOf, type MergeOp as Op, vmIn } from "./merge-state.ts";

type Read = { readonly runs: readonly ContentRun[] };

export const openingPhases = {
  begin(host: Entity, op: Op) {
    const { vm, array } = op.params;
    if (op.state.startedNs < 0) op.edit().startedNs = host.simulatedNs;
    if (vmIn(host, op) === undefined) return fail("vm-off", vm);
    return perform(settleCheckpoints, { vm, array }, "choose", "later");
  },

  /** Somebody makes a checkpoint, or forgets one. */
  later: (_host: Entity, op: Op, { code, detail }: Refusal) =>
    (code === "busy" || code === "version-conflict") && ++op.edit().tries < MOST_INTENT_TRIES
      ? wait(INTENT_RETRY_NS, "begin")
      : fail(code, detail),

  choose(_host: Entity, op: Op, { catalog, version }: { catalog: Catalog; version: number }) {
    const { array } = op.params;
    const checkpoint = op.params.checkpoint ?? usable(catalog).at(-1)?.checkpoint ?? "";
    const chain = chainOf(catalog, checkpoint);
    if (chain.length === 0) return fail("no-checkpoint", op.params.checkpoint);
    if (!isWhole(chain)) return fail("no-base", chain.at(-1)!.base);
    if (chain.length === 1) return fail("nothing-to-merge", checkpoint);
    if (catalog.merging !== undefined) return fail("merging", catalog.merging.operation);
    const state = op.edit();
    state.chain = chain as never;
    state.catalog = catalog as never;
    state.catalogVersion = version;
    return openIntent(array, intentOf(op), "announce", "later");
  },

  /** From here on nobody takes the volume for garbage, as long as this operation lives. */
  announce(_host: Entity, op: Op, { version: intentVersion }: { version: number }) {
    op.edit().intentVersion = intentVersion;
    const { vm, array } = op.params;
    const { catalog: before, catalogVersion: version } = op.state;
    const { operation, checkpoint, volume } = intentOf(op);
    const value = { ...before!, merging: { operation, checkpoint, volume } };
    const params = { array, name: catalogFile(vm), value, before: before!, version };
    return perform(surelyWrite, params, "announced", "giveUp");
  },

  announced(host: Entity, op: Op, { written }: Written & PlainObject) {
    if (!written) return giveUp("busy")(op);
    const vm = vmIn(host, op);
    if (vm === undefined) return giveUp("vm-off")(op);
    // Nothing compresses, and each storage block has an index as long as can be.
    const sectors = DATA_SECTOR + vm.config.spec.memoryPages * 9 + 64;
    return makeVolume(op, { name: intentOf(op).volume, sectors }, "closeIntent");
  },

  closeIntent: (_host: Entity, op: Op) => closeIntent(op, "openNext", "giveUp"),

  openNext(host: Entity, op: Op) {
    const { layers, chain } = op.state;
    const entry = chain[layers.length];
    if (entry === undefined) return go("openOutput");
    const device = openFile(host, op, entry.volume);
    return read(device, 0, DATA_SECTOR, "readOpening");
  },

  readOpening(host: Entity, op: Op, { runs }: Read) {
    const opened = decodeOpening(runs);
    if (!opened.ok) return wrong(op, opened.problem);
    const { spec } = (host.world.entity(op.params.record) as unknown as VmRecord).config;
    const above = op.state.layers.at(-1)?.head;
    const expected = { vm: spec.vm, machine: machineIdentity(spec) };
    const ours =
      above === undefined
        ? checkHead(opened.value.head, expected)
        : checkBase(opened.value, above as never);
    if (!ours.ok) return wrong(op, ours.problem);
    const { head, commit, identity } = opened.value;
    const state = op.edit();
    state.head = head as never;
    state.commit = plainCommit(commit) as never;
    if (above === undefined) state.standsFor = identity;
    return read(state.devices.at(-1)!, commit.tailSector, tailSectors(commit), "readTail");
  },

  readTail(_host: Entity, op: Op, { runs }: Read) {
    const head = op.state.head!;
    const tail = decodeTail({ head, commit: commitOf(op.state.commit) }, runs);
    if (!tail.ok) return wrong(op, tail.problem);
    const storage = tail.value.maps.storageBlocks.map(({ checksum, ...rest }) => ({
      ...rest,
      checksum: checksum.toString(),
    }));
    const state = op.edit();
    if (state.layers.length === 0) state.state = tail.value.state;
    state.layers.push({ device: state.devices.at(-1)!, head, storage } as never);
    return go("openNext");
  },

  openOutput(host: Entity, op: Op) {
    if (vmIn(host, op) === undefined) return giveUp("vm-off")(op);
    findSources(host, op);
    op.edit().output = openFile(host, op, intentOf(op).volume);
    return go("writeHead");
  },
};

/** A device that leads to it, which goes with the others when the merge ends. */
function openFile(host: Entity, op: Op, volume: string): EntityId {
  const { array, paths } = op.params;
  const options = { array, volume, paths, owner: host.name };
  const { id } = spawnInitiator(host.world, op.entity as unknown as Entity, options);
  op.edit().devices.push(id);
  return id;
}

/** One clear error; of a file below it says which. */
function wrong(op: Op, { code, message }: FileProblem): Step {
  const { layers, chain } = op.state;
  const told = `${chain[layers.length]!.checkpoint}: ${message}`;
  op.edit().failure ??= { code, detail: told };
  return go("giveUp");
}

const read = (device: number, sector: number, sectors: number, next: string): Step => ({
  ...askDevice(device, { op: "read", sector, sectors }, "giveUp"),
  next,
});
