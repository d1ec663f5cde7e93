/**
 * What must hold of guest integrity, seen from outside. Content of protected pages is remembered beside
 * the world: what changes there was told of, and only the driver's data changes silently, while some vCPU
 * is in integrity mode.
 */
import {
  always,
  type Editable,
  type Entity,
  type Finding,
  hash64,
  type Invariant,
  type PlainObject,
  type World,
} from "../../kernel/index.ts";
import { integrity } from "../../guest/index.ts";
import { ramOf } from "../pages/content.ts";
import {
  clientBitmap,
  knownMemory,
  type MemoryEntity,
  ownerOf,
  stampsOf,
} from "../pages/memory-state.ts";
import type { MachineEntity } from "../rv64/machine-state.ts";
import { MACHINE_KIND } from "../rv64/end-entry.ts";
import { guestNs } from "../guest-time.ts";
import type { VmEntity } from "../vm-state.ts";
import { vmOf } from "../vmm.ts";
import type { VmRecord } from "../vm-record.ts";
import { ALERT_HELD, INTEGRITY_ALERT, type IntegrityAlert } from "./alerts.ts";
import { driverOf } from "./follow.ts";
import { PAUSED, RESUMED, UNPAUSED } from "./standing.ts";
import { TABLES_CHANGED } from "./tables.ts";

const MECHANISM = "guest integrity";

const asMemory = (entity: Entity): MemoryEntity => entity as unknown as MemoryEntity;

/** By memory: what each protected page held when the tables changed last, and which were told of since. */
type Seen = {
  readonly [memory: string]: {
    readonly held: { readonly [page: string]: string };
    readonly told: readonly number[];
    /** Some vCPU was in integrity mode. */
    readonly isOpen: boolean;
  };
};

function protectedPages({ code, data, registered }: integrity.SecondStage): number[] {
  const ranges = [code, data, ...registered];
  return ranges.flatMap(({ page, pages }) => Array.from({ length: pages }, (_, i) => page + i));
}

/** Content is not all there while somebody traces what reads it, and while a run stands still. */
function remembered(memory: MemoryEntity): { [page: string]: string } {
  const held: { [page: string]: string } = {};
  if ((ownerOf(memory)?.volatile.stuns ?? 1) > 0) return held;
  const absent = memory.volatile.clients
    .filter(({ mode }) => mode === "accesses")
    .map(({ name }) => clientBitmap(memory, name, "armed"));
  for (const page of protectedPages(memory.volatile.tables!)) {
    if (!absent.some((each) => each.has(page))) held[page] = digest(memory, page);
  }
  return held;
}

function digest(memory: MemoryEntity, page: number): string {
  if (!memory.config.isReal) return String(stampsOf(memory).get(page));
  const ram = ramOf(memory);
  return ram === undefined ? "" : hash64(ram.backing.read(page)).toString(16);
}

/** Pages whose content is another, and of which nobody was told. */
function changedUnseen(memory: MemoryEntity, shadow: PlainObject): Finding | undefined {
  const { tables } = memory.volatile;
  const seen = (shadow as unknown as { memories: Seen }).memories[memory.name];
  if (tables === undefined || seen === undefined) return undefined;
  const told = new Set([...seen.told, ...tables.alerts.map(({ page }) => page)]);
  for (const [name, held] of Object.entries(seen.held)) {
    const page = Number(name);
    if (told.has(page) || (seen.isOpen && integrity.coversPage(tables.data, page))) continue;
    if (digest(memory, page) === held) continue;
    const message = `protected page ${page} of ${memory.name} was written without an alert`;
    return { message, fields: { page } };
  }
  return undefined;
}

type Shadow = { memories: { [memory: string]: Seen[string] } };

/** Its alerts leave when its backup has what led to them, and it has gone on by then. */
const tellsLater = (vm: VmEntity): boolean => vm.config.guard >= 0 && vm.kind === MACHINE_KIND;

type Write = Pick<IntegrityAlert, "vcpu" | "page" | "holds">;

/** An alert of a write that the driver may do: `vm` stands where it wrote. */
function wronglyTold(vm: VmEntity, { vcpu, page, holds }: Write): Finding | undefined {
  if (vcpu < 0) return undefined;
  const isIn =
    vm.kind === MACHINE_KIND
      ? integrity.isInIntegrityMode(driverOf(vm), vcpu)
      : knownMemory(vm)?.volatile.tables?.tables[vcpu] === 2;
  if (!isIn || holds !== "data") return undefined;
  const message = `an alert of vCPU ${vcpu} for page ${page}, which the driver may write`;
  return { message, fields: { vcpu, page: page! } };
}

function sameTables(memory: MemoryEntity): Finding | undefined {
  const { tables, stores } = memory.volatile;
  const vm = ownerOf(memory);
  if (tables === undefined || vm === undefined || vm.volatile.stage === "ended") return undefined;
  const stale = tables.cached.findIndex((pages, vcpu) => {
    return pages.length > 0 && tables.tables[vcpu] !== 2;
  });
  if (stale >= 0) {
    const message = `vCPU ${stale} of ${memory.name} has entries of table 2 outside integrity mode`;
    return { message, fields: { vcpu: stale } };
  }
  // A machine that stands at a call has not been attended to yet.
  const isAtCall =
    vm.kind === MACHINE_KIND && (vm as unknown as MachineEntity).volatile.exit !== null;
  const driver = driverOf(vm);
  // Changes of a guarded modelled guest's tables are held with what else it put out.
  const isBehind = stores !== undefined || (vm.config.guard >= 0 && vm.kind !== MACHINE_KIND);
  if (isAtCall || isBehind || driver === undefined) return undefined;
  const wrong = tables.tables.findIndex((table, vcpu) => {
    return (table === 2) !== integrity.isInIntegrityMode(driver, vcpu);
  });
  if (wrong < 0) return undefined;
  const message = `vCPU ${wrong} of ${memory.name} uses table ${tables.tables[wrong]}`;
  return { message, fields: { vcpu: wrong } };
}

/** How far a guest has come: instructions of a real one, time of a modelled one. */
const progressOf = (vm: VmEntity): number =>
  vm.kind === MACHINE_KIND
    ? ((vm as unknown as MachineEntity).volatile.board?.progress ?? 0)
    : guestNs(vm);

type Stopped = { stopped: { [vm: string]: number } };

/** Where it goes on from an image, or a copy, it stands as that did. */
const STOPS = new Set([PAUSED, RESUMED, "taken-over"]);

/** Of a machine that its host has stopped at an alert: it is where it was when that was told. */
function wentOn(record: VmRecord, event: string, { stopped }: Stopped): Finding | undefined {
  const vm = vmOf(record);
  const { name, durable } = record;
  if (STOPS.has(event)) delete stopped[name];
  if (event === "taken-over" || vm?.volatile.stage !== "running") return undefined;
  if (vm.volatile.goesOnFrom !== null) return undefined;
  if (durable.standsAt === undefined && event !== UNPAUSED) return undefined;
  const before = (stopped[name] ??= progressOf(vm));
  if (vm.volatile.stuns > 0 && before === progressOf(vm)) return undefined;
  const message = `${record.name} went on although it was stopped at an alert`;
  return { message, fields: { progress: progressOf(vm), before } };
}

type Told = { told: { [key: string]: number } };

export const integrityInvariants: readonly Invariant[] = [
  always(
    "every violating write raises an alert",
    {
      mechanism: MECHANISM,
      reads: ["guest-memory"],
      shadow: { memories: {} },
      observes: {
        [INTEGRITY_ALERT]: (entity, data, _world: World, editShadow) => {
          const vm = vmOf(entity as unknown as VmRecord);
          const memory = vm === undefined ? undefined : knownMemory(vm);
          if (memory === undefined || data["page"] === undefined) return;
          const { memories } = editShadow() as unknown as Editable<Shadow>;
          memories[memory.name]?.told.push(data["page"] as number);
        },
        [ALERT_HELD]: (entity, { page }, _world: World, editShadow) => {
          const { memories } = editShadow() as unknown as Editable<Shadow>;
          memories[entity.name]?.told.push(page as number);
        },
        [TABLES_CHANGED]: (entity, _data, _world: World, editShadow): Finding | undefined => {
          const memory = asMemory(entity);
          const shadow = editShadow();
          const found = changedUnseen(memory, shadow);
          const { memories } = shadow as unknown as Editable<Shadow>;
          const isOpen = memory.volatile.tables!.tables.includes(2);
          memories[memory.name] = { held: remembered(memory), told: [], isOpen };
          return found;
        },
      },
    },
    (entity, _world, shadow) => changedUnseen(asMemory(entity), shadow),
  ),
  always("no legal write raises an alert, and none raises two", {
    mechanism: MECHANISM,
    shadow: { told: {} },
    observes: {
      [INTEGRITY_ALERT]: (entity, data, _world: World, editShadow): Finding | undefined => {
        const alert = data as unknown as IntegrityAlert;
        const { vm, vcpu, page, progress } = alert;
        const { told } = editShadow() as unknown as Told;
        const run = (entity as unknown as VmRecord).durable.instance;
        const key = `${vm}/${run}/${vcpu}/${page ?? ""}`;
        const before = told[key];
        if (progress !== undefined && vcpu >= 0) told[key] = progress;
        if (before === undefined || progress === undefined || vcpu < 0 || progress > before) {
          const by = vmOf(entity as unknown as VmRecord);
          if (by === undefined || alert.what !== "write" || tellsLater(by)) return undefined;
          return wronglyTold(by, alert);
        }
        const message = `two alerts for one write of vCPU ${vcpu} to page ${page ?? ""}`;
        return { message, fields: { vcpu, progress } };
      },
      [ALERT_HELD]: (entity, data): Finding | undefined => {
        const by = ownerOf(asMemory(entity));
        return by && wronglyTold(by, data as unknown as Write);
      },
    },
  }),
  always("a machine that is stopped at an alert stands still", {
    mechanism: MECHANISM,
    shadow: { stopped: {} },
    observes: {
      lifecycle: (entity, { event }, _world: World, editShadow): Finding | undefined => {
        const record = entity as unknown as VmRecord;
        if (record.config.stopsAtAlerts !== true) return undefined;
        return wentOn(record, event as string, editShadow() as unknown as Stopped);
      },
    },
  }),
  always(
    "no vCPU sees another's table",
    { mechanism: MECHANISM, reads: ["guest-memory"] },
    (entity) => sameTables(asMemory(entity)),
  ),
];
