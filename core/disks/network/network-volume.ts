/**
 * A volume that the guest itself mounts: its own initiator, over the virtual machine's network. The
 * host's page cache, initiator and ownership have no part in it. What its array may forget the guest
 * keeps, and sends again, as a host does (catch-up.ts of the platform).
 *
 * Must hold: the guest logs in before anything else, under a name that stays and a session that rises
 * with each mount: of another run, of one that was moved or brought back, of a disk that is opened
 * anew. From then on the array takes nothing of an earlier one, wherever that was and however late it
 * comes. The login is a flush, and so all that an unprotected array is to be asked at a first contact.
 * While the VM is stunned the guest's time-outs stand still.
 * Handler: `io` (block contract).
 */
import {
  component,
  type Entity,
  type EntityId,
  type Reply,
  type Request,
} from "../../kernel/index.ts";
import {
  answer,
  type BlockRequest,
  enter,
  type InitiatorConfig,
  type InitiatorEntity,
  type InitiatorState,
  isTaken,
  noteEnded,
  type Outstanding,
  placeOf,
  sendAgain,
  sendOnceLevel,
  sendWaiting,
  withoutBody,
} from "../../platform/index.ts";
import { numberMount, type VmEntity, type VmRecord } from "../../vmm/index.ts";

type VolumeToMount = {
  readonly array: EntityId;
  readonly volume: string;
  /** Carriers from the host to the array, the preferred one first. */
  readonly paths: readonly EntityId[];
  /** Name of the guest's initiator, the same in every run. */
  readonly name: string;
};

type MountConfig = InitiatorConfig & {
  readonly session: { readonly name: string; readonly number: number };
  readonly vm: EntityId;
};

type MountState = InitiatorState & { readonly loggedIn: boolean };

type MountEntity = Entity<MountConfig, Record<never, never>, MountState>;

/** The guest's network stack and its virtual interface, for each request. */
const STACK_NS = 25_000;
/** A guest's initiator is patient: 3 s an attempt, 20 attempts. */
const PATIENCE = { timeoutNs: 3_000_000_000, attempts: 20 };

export const networkVolume = component<MountConfig, Record<never, never>, MountState>({
  kind: "network-volume",
  volatile: () => ({ next: 1, path: 0, outstanding: [], loggedIn: false }),
  handlers: {
    login: (self) => passStack(self, enter(initiatorOf(self), null, { op: "flush" })),
    io: take,
    transmit: (self, number: number) => transmit(initiatorOf(self), number),
    answered: (self, reply: Reply) => answered(self, reply),
  },
});

const initiatorOf = (self: MountEntity): InitiatorEntity => self as unknown as InitiatorEntity;

/** Mounts the volume for `disk` of a run; the block device that leads to it. */
export function mountVolume(
  disk: Entity,
  run: VmEntity,
  { name, ...volume }: VolumeToMount,
): EntityId {
  const as = { owner: name, stamp: null, session: { name, number: nextNumber(run) } };
  const config = { ...volume, ...as, ...PATIENCE, traffic: "vm-network-bytes", vm: run.id };
  return mount(disk, config);
}

/** Mounts, for a disk that is opened anew in the same run, what another one has mounted and flushed. */
export function mountAgain(disk: Entity, run: VmEntity, before: EntityId): EntityId {
  const { config } = disk.world.entity(before) as unknown as MountEntity;
  const number = nextNumber(run);
  return mount(disk, { ...config, session: { ...config.session, number } });
}

const nextNumber = ({ world, config }: VmEntity): number =>
  numberMount(world.entity(config.record) as unknown as VmRecord);

function mount(disk: Entity, config: MountConfig): EntityId {
  const mounted = disk.spawn(networkVolume, config);
  mounted.after(0, "login");
  return mounted.id;
}

/** What comes before the login is done waits for it. */
function take(self: MountEntity, request: Request<BlockRequest>): void {
  const at = enter(initiatorOf(self), withoutBody(request), request.body);
  if (self.volatile.loggedIn) passStack(self, at);
  else self.edit().outstanding[at]!.waits = true;
}

function passStack(self: MountEntity, at: number): void {
  self.after(STACK_NS, "transmit", self.volatile.outstanding[at]!.number);
}

function transmit(self: InitiatorEntity, number: number): void {
  const at = placeOf(self, number);
  if (at >= 0) sendOnceLevel(self, at);
}

function answered(mounted: MountEntity, reply: Reply): void {
  const self = initiatorOf(mounted);
  const at = placeOf(self, reply.tag as number);
  if (at < 0) return;
  const entry = self.volatile.outstanding[at]!;
  const isLate = !reply.ok && reply.code === "timeout";
  if (isLate) return sendAgain(self, at, entry, isPatient(mounted, entry));
  if (!isTaken(self, at, reply)) return;
  self.edit().outstanding.splice(at, 1);
  if (entry.request !== null) return answer(self, entry.request, reply);
  if (mounted.volatile.loggedIn) return noteEnded(self, entry, reply);
  mounted.edit().loggedIn = true;
  sendWaiting(self);
}

/** The login goes on for ever; in a VM that is stunned no time passes. */
function isPatient({ volatile, config, world }: MountEntity, { request }: Outstanding): boolean {
  if (request === null && !volatile.loggedIn) return true;
  const instance = world.entityOrNone(config.vm) as unknown as VmEntity | undefined;
  return (instance?.volatile.stuns ?? 0) > 0;
}
