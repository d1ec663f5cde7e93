/**
 * What must hold of checkpoints, seen from outside: the file that the catalog names is the memory and
 * the devices of its instant; what is loaded is what was there then, and what the guest wrote since
 * stays. What memory held at each instant is remembered beside the world.
 */
import {
  always,
  Bitmap,
  bitmapWords,
  canonicalBytes,
  type ContentRun,
  type Entity,
  type Finding,
  hash64,
  hashHex,
  type Invariant,
  type NumberArray,
  SECTOR_BYTES,
  sometimes,
  type World,
} from "../kernel/index.ts";
import type { GuestSpec } from "../guest/index.ts";
import {
  clientBitmap,
  clientOf,
  type MemoryEntity,
  readPages,
  rememberContent,
  type RunImage,
} from "../vmm/index.ts";
import { type Catalog, type CheckpointEntry, entryOf } from "./catalog.ts";
import { PAGE_SECTORS } from "./file/page-runs.ts";
import { readCheckpoint } from "./file/read-file.ts";
import { MERGES_CHAIN } from "./merge/closing.ts";
import { machineIdentity } from "./machine-identity.ts";
import { type Arrival, ARRIVED_NOTICE, ARRIVING_NOTICE } from "./restore/load.ts";
import { MADE_NOTICE, MAKES_PAGE, SHARING_NOTICE } from "./restore/deferred.ts";
import { RESTORE_CLIENT, type Restorer } from "./restore/restorer-state.ts";
import { WAITS_FOR_PAGE } from "./restore/restorer.ts";
import { WRITES_UNSAVED } from "./save/hits.ts";
import { SAVES_WHILE_LAZY } from "./save/residual.ts";
import type { Saver } from "./save/saver-state.ts";
import { stateOfBytes } from "./saved-state.ts";
import { INSTANT_NOTICE } from "./save/saver.ts";
import { SAVED_AGAIN, WORKING_SET_NOTICE } from "./save/working-set.ts";

const MECHANISM = "checkpoints";

type Named = { readonly vm: string; readonly checkpoint: string };

const instantName = ({ vm, checkpoint }: Named): string => `${vm}#instant of ${checkpoint}`;

const shadow = (world: World, name: string, pages: number): NumberArray =>
  world.shadowArrays.open(name, "f64", pages);

/** Of runs that a file holds. */
function numberOf(run: ContentRun, page: number): number {
  if (run.kind === "zero") return 0;
  if (run.kind === "stamp") return run.stamp + page * PAGE_SECTORS;
  const bytes = PAGE_SECTORS * SECTOR_BYTES;
  return Number(hash64(run.bytes.subarray(page * bytes, (page + 1) * bytes)) >> 11n);
}

/** Hash of 4 KiB of zeros, as memories of real machines have it. */
const ZERO_HASH = Number(hash64(new Uint8Array(PAGE_SECTORS * SECTOR_BYTES)) >> 11n);

const isSame = (found: number, wanted: number): boolean =>
  found === wanted || (found === 0 && wanted === ZERO_HASH);

const catalogIn = (array: Entity, file: string): Catalog | undefined =>
  (array.durable as Partial<ArrayFiles>).files?.[`file:${file}`]?.value as Catalog | undefined;

/** The newest checkpoint of a catalog, as it is on the medium when the catalog names it. */
function checkNewest(array: Entity, file: string, digests: Shadow): Finding | undefined {
  const catalog = catalogIn(array, file);
  const entry = catalog?.checkpoints.at(-1);
  if (catalog === undefined || entry === undefined) return undefined;
  return checkEntry(array, catalog, entry, digests);
}

/** Those of which the file has become another one. */
function checkMerged(array: Entity, file: string, digests: EditableShadow): Finding | undefined {
  const catalog = catalogIn(array, file);
  for (const entry of catalog?.checkpoints ?? []) {
    const key = `${catalog!.vm}:${entry.checkpoint}`;
    const before = digests.volumes[key];
    digests.volumes[key] = entry.volume;
    if (before === undefined || before === entry.volume) continue;
    const found = checkEntry(array, catalog!, entry, digests);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkEntry(
  array: Entity,
  catalog: Catalog,
  { checkpoint }: CheckpointEntry,
  digests: Shadow,
): Finding | undefined {
  const { world } = array;
  const { vm } = catalog;
  const fileOf = (id: string) => {
    const volume = entryOf(catalog, id)?.volume;
    return volume === undefined ? undefined : world.contents.get(`${array.name}#volume:${volume}`);
  };
  const { spec } = world.named(vm).config as unknown as { spec: GuestSpec };
  const expected = { vm, machine: machineIdentity(spec) };
  const instant = shadow(world, instantName({ vm, checkpoint }), spec.memoryPages);
  const isWrong = (page: number, run: ContentRun, at: number): boolean =>
    !isSame(numberOf(run, at), instant.get(page));
  const read = readCheckpoint(fileOf, checkpoint, expected, isWrong);
  if (!read.ok) {
    const { code, message } = read.problem;
    return { message: `checkpoint ${checkpoint} of ${vm} counts, but is ${code}: ${message}` };
  }
  const { value } = read;
  const { wrongPage } = value;
  if (wrongPage >= 0) {
    return { message: `page ${wrongPage} of ${vm} in ${checkpoint} is not of its instant` };
  }
  const state = stateOfBytes(value.state, value.head.pages);
  const digest = state.ok ? digestOf(state.value.image) : "";
  if (digest === digests.images[`${vm}:${checkpoint}`]) return undefined;
  return { message: `the devices of ${vm} in ${checkpoint} are not of its instant` };
}

/** Memory as the guest knows it: of pages that are absent, what the restored file was made of. */
function rememberInstant(world: World, memory: MemoryEntity, named: Named): void {
  rememberContent(memory, instantName(named));
  const client = clientOf(memory, RESTORE_CLIENT);
  const brings = client === undefined ? undefined : world.entityOrNone(client.owner);
  if (brings === undefined) return;
  const { checkpoint } = (brings as unknown as Restorer).config;
  const { pages } = memory.config;
  const restored = shadow(world, instantName({ vm: named.vm, checkpoint }), pages);
  const now = shadow(world, instantName(named), pages);
  const absent = clientBitmap(memory, RESTORE_CLIENT, "armed");
  for (let page = absent.next(0); page >= 0; page = absent.next(page + 1)) {
    now.set(page, restored.get(page));
  }
}

type ArrayFiles = { readonly files: { readonly [key: string]: { readonly value?: unknown } } };

type Shadow = { readonly images: { readonly [checkpoint: string]: string } };
type EditableShadow = Shadow & { readonly volumes: { [checkpoint: string]: string } };

/** Files of an array that are catalogs of checkpoints. */
function catalogsOf(array: Entity): string[] {
  const keys = Object.keys((array.durable as Partial<ArrayFiles>).files ?? {});
  return keys.filter((key) => key.endsWith(CATALOG_SUFFIX)).map((key) => key.slice(5));
}

const CATALOG_SUFFIX = ".checkpoints";

/** Whether each of a catalog has its file, and what that stands on. */
function checkStanding(array: Entity, file: string): Finding | undefined {
  const catalog = catalogIn(array, file);
  const { volumes } = array.durable as unknown as { readonly volumes: object };
  for (const { checkpoint, volume, base } of catalog?.checkpoints ?? []) {
    const isThere = `volume:${volume}` in volumes;
    if (isThere && (base === null || entryOf(catalog!, base) !== undefined)) continue;
    const missing = isThere ? base : volume;
    return { message: `${checkpoint} of ${catalog!.vm} counts, and ${missing} is not there` };
  }
  return undefined;
}

const digestOf = (image: RunImage): string => hashHex(hash64(canonicalBytes(image)));

function onArrived(world: World, arrival: Arrival): Finding | undefined {
  const memory = world.entity(arrival.memory) as unknown as MemoryEntity;
  const { pages } = memory.config;
  const instant = shadow(world, instantName(arrival), pages);
  const before = shadow(world, beforeName(memory), pages);
  rememberContent(memory, nowName(memory));
  const now = shadow(world, nowName(memory), pages);
  const absent = absentThen(world, memory);
  for (const block of arrival.blocks) {
    const first = block * arrival.blockPages;
    for (let page = first; page < Math.min(pages, first + arrival.blockPages); page++) {
      const was = before.get(page);
      const isWritten = !absent.has(page);
      const wanted = isWritten ? was : instant.get(page);
      if (now.get(page) === wanted) continue;
      const message = isWritten
        ? `page ${page} of ${arrival.vm}, which the guest had written, was overwritten`
        : `page ${page} of ${arrival.vm} is not what ${arrival.checkpoint} has`;
      return { message, fields: { page } };
    }
  }
  return undefined;
}

/** Pages that were absent when others arrived; all, where the machine does not run yet. */
function absentThen(world: World, { name, config }: MemoryEntity): Bitmap {
  const { pages } = config;
  const words = world.shadowArrays.open(`${name}#absent`, "u32", bitmapWords(pages));
  return new Bitmap(words, pages);
}

function rememberAbsent(world: World, memory: MemoryEntity): void {
  const then = absentThen(world, memory);
  if (clientOf(memory, RESTORE_CLIENT) !== undefined) {
    return then.become(clientBitmap(memory, RESTORE_CLIENT, "armed"));
  }
  then.addRange(0, memory.config.pages);
}

/** A page that was made of what is known about it. */
function onMade(world: World, made: Arrival & { readonly page: number }): Finding | undefined {
  const memory = world.entity(made.memory) as unknown as MemoryEntity;
  const instant = shadow(world, instantName(made), memory.config.pages);
  const found = numberOf(readPages(memory, made.page, 1)[0]!, 0);
  if (isSame(found, instant.get(made.page))) return undefined;
  return { message: `page ${made.page} of ${made.vm} was made, and is not what it was` };
}

const beforeName = ({ name }: MemoryEntity): string => `${name}#before arrival`;
const nowName = ({ name }: MemoryEntity): string => `${name}#at arrival`;

const firstOf = (findings: readonly (Finding | undefined)[]): Finding | undefined =>
  findings.find((each) => each !== undefined);

export const checkpointInvariants: readonly Invariant[] = [
  always("a checkpoint that counts is the machine of its instant", {
    mechanism: MECHANISM,
    shadow: { images: {}, volumes: {} },
    observes: {
      [INSTANT_NOTICE]: (entity, data, world, editShadow) => {
        const named = data as unknown as Named & { memory: number };
        const memory = world.entity(named.memory) as unknown as MemoryEntity;
        rememberInstant(world, memory, named);
        const { image } = (entity as unknown as Saver).volatile;
        const images = editShadow()["images"] as { [checkpoint: string]: string };
        images[`${named.vm}:${named.checkpoint}`] = digestOf(image!);
      },
      durable: (entity, { label }, _world, editShadow) => {
        const file = /^file (.+[.]checkpoints)$/.exec(String(label))?.[1];
        if (file === undefined) return undefined;
        const digests = editShadow() as unknown as EditableShadow;
        return checkMerged(entity, file, digests) ?? checkNewest(entity, file, digests);
      },
      // With its power an array may have lost what it had acknowledged.
      crash: (entity, _data, _world, editShadow) => {
        const digests = editShadow() as unknown as Shadow;
        for (const file of catalogsOf(entity)) {
          const found = checkNewest(entity, file, digests);
          if (found !== undefined) return found;
        }
        return undefined;
      },
    },
  }),
  always("a checkpoint that counts has its file, and all that it stands on", {
    mechanism: MECHANISM,
    observes: {
      durable: (entity, { label }): Finding | undefined => {
        const [, file, volume] =
          /^file (.+[.]checkpoints)$|^delete volume (.+[.]memory)$/.exec(String(label)) ?? [];
        if (file !== undefined) return checkStanding(entity, file);
        if (volume === undefined) return undefined;
        return firstOf(catalogsOf(entity).map((each) => checkStanding(entity, each)));
      },
    },
  }),
  always("what is loaded is what was saved, and what the guest wrote stays", {
    mechanism: MECHANISM,
    observes: {
      [ARRIVING_NOTICE]: (_entity, data, world) => {
        const memory = world.entity(data["memory"] as number) as unknown as MemoryEntity;
        rememberContent(memory, beforeName(memory));
        rememberAbsent(world, memory);
      },
      [MADE_NOTICE]: (_entity, data, world) => onMade(world, data as never),
      [ARRIVED_NOTICE]: (_entity, data, world) => onArrived(world, data as unknown as Arrival),
    },
  }),
  always("a canonical page has as many references as pages share it", {
    mechanism: MECHANISM,
    observes: {
      [SHARING_NOTICE]: (_entity, data): Finding | undefined => {
        const { vm, references, shared } = data as { [name: string]: number };
        if (references === shared) return undefined;
        return { message: `${references} references of ${vm}, and ${shared} pages are shared` };
      },
    },
  }),
  sometimes(MAKES_PAGE, { mechanism: MECHANISM }),
  always("a working set is what vCPUs touched", {
    mechanism: MECHANISM,
    observes: {
      [WORKING_SET_NOTICE]: (_entity, data): Finding | undefined => {
        const { vm, pages, hits } = data as { vm: string; pages: number; hits: number };
        if (pages <= hits) return undefined;
        return { message: `${vm} touched ${hits} pages, and ${pages} count as active` };
      },
    },
  }),
  sometimes(SAVED_AGAIN, { mechanism: MECHANISM }),
  sometimes(WRITES_UNSAVED, { mechanism: MECHANISM }),
  sometimes(WAITS_FOR_PAGE, { mechanism: MECHANISM }),
  sometimes(MERGES_CHAIN, { mechanism: MECHANISM }),
  sometimes(SAVES_WHILE_LAZY, { mechanism: MECHANISM }),
];
