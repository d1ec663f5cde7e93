/** What must hold of machines that move. */
import {
  always,
  Bitmap,
  bitmapWords,
  type Entity,
  type Finding,
  type Invariant,
  sometimes,
  type World,
} from "../kernel/index.ts";
import { RESTORE_CLIENT } from "../checkpoints/index.ts";
import {
  absentPages,
  clientOf,
  knownMemory,
  type MemoryEntity,
  rememberContent,
  differsAt,
  differsFrom,
  type VmEntity,
} from "../vmm/index.ts";
import { localDiskInvariants } from "./local-disks/invariants.ts";
import { ABSENT_CLIENT } from "./post-copy/fetcher.ts";
import { MOVES_WHILE_LAZY } from "./referring.ts";
import { CLIENT, MIGRATION_NOTICE } from "./settings.ts";

type Move = {
  readonly vm: string;
  readonly event: string;
  readonly run: number;
  readonly instance: string;
  /** Arrived: its pages come later. */
  readonly absent?: boolean;
  /** Placing, placed: pages that come. */
  readonly page?: number;
  readonly pages?: number;
};

type Given = { given: { [instance: number]: boolean } };

const shadowName = (vm: string): string => `${vm}#at-quiesce`;

/** Pages that a restore had yet to bring when the machine stopped: at the source, and now. */
const referredThen = ({ shadowArrays }: World, vm: string, { config }: MemoryEntity): Bitmap => {
  const words = shadowArrays.open(`${vm}#absent-at-quiesce`, "u32", bitmapWords(config.pages));
  return new Bitmap(words, config.pages);
};

function referredNow(memory: MemoryEntity): Bitmap {
  if (clientOf(memory, RESTORE_CLIENT) !== undefined) return absentPages(memory, RESTORE_CLIENT);
  const { pages, vm } = memory.config;
  const none = memory.world.shadowArrays.open(`${vm}#none`, "u32", bitmapWords(pages));
  return new Bitmap(none, pages);
}

function firstDifference(one: Bitmap, other: Bitmap): number {
  for (let page = one.next(0); page >= 0; page = one.next(page + 1)) {
    if (!other.has(page)) return page;
  }
  for (let page = other.next(0); page >= 0; page = other.next(page + 1)) {
    if (!one.has(page)) return page;
  }
  return -1;
}

const runNamed = (world: World, name: string): VmEntity => world.named(name) as unknown as VmEntity;

export const migrationInvariants: readonly Invariant[] = [
  always("memory at the destination is what it was at the source when that stopped", {
    mechanism: "migration",
    observes: {
      [MIGRATION_NOTICE]: (_entity, data, world): Finding | undefined => {
        const { vm, event, instance, absent = false, page = 0, pages: count = 0 } = data as Move;
        if (event !== "quiesced" && event !== "arrived" && event !== "placed") return undefined;
        const memory = knownMemory(runNamed(world, instance))!;
        if (event === "quiesced") {
          rememberContent(memory, shadowName(vm));
          referredThen(world, vm, memory).become(referredNow(memory));
          return undefined;
        }
        if (event === "arrived") {
          const other = firstDifference(referredThen(world, vm, memory), referredNow(memory));
          const message = `page ${other} of ${vm} is absent at one host alone`;
          if (other >= 0) return { message, fields: { vm, page: other } };
        }
        // Of what runs already, each page as it comes.
        if (absent) return undefined;
        const placed = Array.from({ length: count }, (_, at) => page + at);
        const pages =
          event === "placed"
            ? differsAt(memory, shadowName(vm), placed)
            : differsFrom(memory, shadowName(vm));
        if (pages.length === 0) return undefined;
        const message = `${pages.length} pages of ${vm} are not what they were`;
        return { message, fields: { vm, pages: pages.slice(0, 8) } };
      },
    },
  }),
  always("no page that a guest wrote is overwritten by one that comes after it", {
    mechanism: "migration",
    observes: {
      [MIGRATION_NOTICE]: (_entity, data, world): Finding | undefined => {
        const { vm, event, instance, page = 0, pages: count = 0 } = data as Move;
        if (event !== "placing") return undefined;
        const memory = knownMemory(runNamed(world, instance))!;
        if (memory.config.isReal) return undefined;
        const absent = absentPages(memory, ABSENT_CLIENT);
        const placing = Array.from({ length: count }, (_, at) => page + at);
        // What is absent was never written here: it is zeros.
        const written = differsAt(
          memory,
          `${vm}#nothing`,
          placing.filter((each) => absent.has(each)),
        );
        if (written.length === 0) return undefined;
        const message = `${written.length} newer pages of ${vm} are lost`;
        return { message, fields: { vm, pages: written.slice(0, 8) } };
      },
    },
  }),
  always(
    "a machine that was given away does not run here any more",
    {
      mechanism: "migration",
      reads: ["vm", "rv64-vm"],
      shadow: { given: {} },
      observes: {
        [MIGRATION_NOTICE]: (_entity, data, world, editShadow): void => {
          const { event, instance } = data as Move;
          if (event !== "given") return;
          // By id: one that comes by a host again may have the name of the one that left it.
          (editShadow() as unknown as Given).given[world.named(instance).id] = true;
        },
      },
    },
    (entity: Entity, _world, shadow): Finding | undefined => {
      if ((shadow as unknown as Given).given[entity.id] !== true) return undefined;
      const { stage, stuns } = (entity as unknown as VmEntity).volatile;
      if (stage === "ended" || stuns > 0) return undefined;
      return { message: `${entity.name} runs although it was given away` };
    },
  ),
  always("a machine arrives once it was given away, and only once", {
    mechanism: "migration",
    shadow: { open: {} },
    observes: {
      [MIGRATION_NOTICE]: (_entity, data, _world, editShadow): Finding | undefined => {
        const { vm, event, instance } = data as Move;
        const { open } = editShadow() as unknown as { open: { [vm: string]: boolean } };
        if (event === "given") open[vm] = true;
        if (event !== "arrived") return undefined;
        const wasGiven = open[vm] === true;
        open[vm] = false;
        return wasGiven ? undefined : { message: `${instance} arrived and was not given away` };
      },
    },
  }),
  always("a move that was given up leaves no traces", {
    mechanism: "migration",
    observes: {
      [MIGRATION_NOTICE]: ({ domain }, data, world): Finding | undefined => {
        const { vm, event } = data as Move;
        if (event !== "given-up") return undefined;
        // At the host that the machine came from its move there may not be over.
        for (const entity of world.entities()) {
          if (entity.domain !== domain) continue;
          if (entity.kind !== "guest-memory" || !entity.name.startsWith(`${vm}/run-`)) continue;
          const { clients } = entity.volatile as { clients: readonly { name: string }[] };
          const left = clients.some(({ name }) => name === CLIENT);
          if (left) return { message: `${entity.name} is traced although the move was given up` };
        }
        return undefined;
      },
    },
  }),
  sometimes(MOVES_WHILE_LAZY, { mechanism: "migration" }),
  ...localDiskInvariants,
];
