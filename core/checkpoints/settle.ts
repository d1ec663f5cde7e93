/**
 * Tidies up what a checkpoint left that was cut short: its intent, its volume, and volumes that no
 * catalog names any more. Must hold: reads durable state alone, so running it twice, or being cut short
 * itself, ends in the same place; a checkpoint that counts is never touched.
 */
import {
  done,
  type Entity,
  type EntityId,
  fail,
  operation,
  type Operation,
  type PlainObject,
  type Refusal,
  together,
  type World,
} from "../kernel/index.ts";
import { askArray, type FileValue, readFileIfAny } from "../disks/index.ts";
import {
  asPlain,
  type Catalog,
  catalogFile,
  checkpointIntentFile,
  checkpointVolume,
  type CheckpointIntent,
  emptyCatalog,
} from "./catalog.ts";
import { closeIntent, dropVolume } from "./intent.ts";

export type SettleParams = {
  readonly vm: string;
  readonly array: EntityId;
  /** Operation that gives up: what it opened is nobody's any more. */
  readonly ended?: string;
};

type SettleState = { catalog: Catalog | null; version: number; intentVersion: number };
type Op = Operation<SettleParams & PlainObject, SettleState & PlainObject>;

type Volumes = { readonly volumes: readonly { readonly name: string }[] };

export const settleCheckpoints = operation<SettleParams & PlainObject, SettleState & PlainObject>(
  "settle-checkpoints",
  {
    begin: (_host, op: Op) =>
      readFileIfAny(op.params.array, checkpointIntentFile(op.params.vm), "judge"),

    /** The operation that wrote it may be alive, here: then nothing is left over. */
    judge(host, op: Op, file: FileValue | null) {
      if (file !== null && isAlive(host.world, host, op, file.value as CheckpointIntent)) {
        return fail("busy", (file.value as CheckpointIntent).operation);
      }
      const { vm, array } = op.params;
      const value = { kind: "settle", operation: op.entity.name, vm };
      const body = { name: checkpointIntentFile(vm), value, ifVersion: file?.version ?? 0 };
      return askArray(array, "file-write", body, "readCatalog", "refuse");
    },

    refuse: (_host, _op: Op, { code, detail }: Refusal) =>
      fail(code === "version-conflict" ? "busy" : code, detail),

    /** Nobody else makes or settles checkpoints of this VM from here on. */
    readCatalog(_host, op: Op, { version }: { version: number }) {
      op.edit().intentVersion = version;
      return readFileIfAny(op.params.array, catalogFile(op.params.vm), "fence");
    },

    /** What a lost host still sends for the catalog as it was is refused from here on. */
    fence(host, op: Op, file: FileValue | null) {
      const { vm, array } = op.params;
      const found = (file?.value as Catalog | undefined) ?? emptyCatalog(vm);
      const catalog = withoutDeadMerge(host.world, host, op, found);
      op.edit().catalog = catalog as never;
      const body = { name: catalogFile(vm), value: catalog, ifVersion: file?.version ?? 0 };
      return askArray(array, "file-write", body, "list");
    },

    list(_host, op: Op, { version }: { version: number }) {
      op.edit().version = version;
      return askArray(op.params.array, "list-volumes", {}, "removeGarbage");
    },

    removeGarbage(_host, op: Op, { volumes }: Volumes) {
      const { vm } = op.params;
      const { checkpoints, merging } = op.state.catalog!;
      const counts = new Set(checkpoints.map(({ volume }) => volume));
      if (merging !== undefined) counts.add(merging.volume);
      const [before, behind] = checkpointVolume(vm, "\n").split("\n") as [string, string];
      const garbage = volumes
        .map(({ name }) => name)
        .filter((name) => name.startsWith(before) && name.endsWith(behind) && !counts.has(name));
      return together(
        garbage.map((name) => dropVolume(op, name)),
        "closeIntent",
      );
    },

    closeIntent: (_host, op: Op) => closeIntent(op, "report"),

    report: (_host, op: Op) =>
      done({ catalog: asPlain(op.state.catalog!), version: op.state.version }),
  },
  () => ({ catalog: null, version: 0, intentVersion: 0 }),
);

type Opened = { readonly operation: string };

function isAlive(world: World, host: Entity, { params }: Op, { operation: name }: Opened): boolean {
  const id = world.registry.idOf(name);
  const entity = id === undefined ? undefined : world.entityOrNone(id);
  return entity !== undefined && entity.domain === host.domain && name !== params.ended;
}

/** A merge that nobody goes on with comes to nothing. */
function withoutDeadMerge(world: World, host: Entity, op: Op, catalog: Catalog): Catalog {
  const { merging, ...rest } = catalog;
  return merging === undefined || isAlive(world, host, op, merging) ? catalog : rest;
}
