/**
 * What runs in a virtual machine, as a pure state machine: inputs in, outputs out, all plain data.
 *
 * Must hold: what a guest does depends on its specification, its state and journal, the inputs
 * delivered to it and the draws it asks for, and on nothing else; so it can be built again alone
 * from its boundary log. Progress of a guest is the number of inputs delivered.
 */
import type {
  ContentRun,
  Distribution,
  Plain,
  PlainObject,
  SectorContent,
} from "../kernel/index.ts";
import type { BlockRequest } from "../platform/index.ts";
import type { DiskJournal } from "./history/recent-write.ts";
import type { IntegrityEvent, IntegrityState } from "./integrity/integrity-state.ts";
import type { PreparedCapture } from "./workload/capture-input.ts";

/** What a guest is built from; fixed for the life of its virtual machine. */
export type GuestSpec = {
  readonly vm: string;
  /** Name of a `GuestKind`. */
  readonly kind: string;
  readonly config: PlainObject;
  readonly disks: readonly GuestDisk[];
  readonly vcpus: number;
  readonly memoryPages: number;
};

export type GuestDisk = {
  readonly id: string;
  readonly sectors: number;
  /** `diskNumber(ordinal, ratio)`: two disks of a run never have the same. */
  readonly number: number;
  /** A crash may lose what was acknowledged and not flushed. False: every answer is durable. */
  readonly losesUnflushed: boolean;
};

/** Large immutable inputs, found by the SHA-256 that a configuration names. */
export type GuestInputs = {
  readonly capture: (sha256: string) => PreparedCapture;
  /** What a disk holds before the first power-on; undefined, or absent: nothing is written. */
  readonly content?: (vm: string, disk: string) => SectorContent | undefined;
};

export type GuestInput =
  /** Power is on. `crashed`: the run before ended without an orderly shutdown. */
  | { readonly kind: "start"; readonly run: number; readonly crashed: boolean }
  | { readonly kind: "timer"; readonly tag: Plain }
  | BlockDone
  | { readonly kind: "cpu-done"; readonly tag: Plain }
  | PacketInput
  /** It was stunned for so long; its own time stood still. */
  | { readonly kind: "resumed"; readonly stunnedNs: number }
  /** A disk has become larger; `disk` counts in the order of the specification. */
  | { readonly kind: "resized"; readonly disk: number; readonly sectors: number }
  /** Asked to shut down in good order. */
  | { readonly kind: "shutdown" };

export type BlockDone =
  | { readonly kind: "block-done"; readonly id: number; readonly ok: true; readonly runs?: Runs }
  | {
      readonly kind: "block-done";
      readonly id: number;
      readonly ok: false;
      readonly code: string;
    };

/** `as-written`: what the guest expects by its own history; only boundary logs hold it. */
export type Runs = readonly ContentRun[] | "as-written";

export type PacketInput = {
  readonly kind: "packet";
  readonly from: string;
  /** Run of the sender, as its peers count them, and its number among what that run sent so to this guest. */
  readonly run: number;
  readonly sequence: number;
  readonly bytes: number;
  readonly delivery: "datagram" | "stream";
  /** The sender is a machine that another may go on with, and send again what it had sent. */
  readonly mayRepeat?: boolean;
  /** On its way: so many messages were sent from where the sender was before it was moved. */
  readonly after?: number;
};

export type GuestOutput =
  | {
      readonly kind: "block";
      readonly id: number;
      readonly disk: number;
      readonly request: BlockRequest;
    }
  /** Wakes it after so much of its own time. */
  | { readonly kind: "timer"; readonly delayNs: number; readonly tag: Plain }
  /** Computes on a vCPU for so long. */
  | { readonly kind: "cpu"; readonly vcpu: number; readonly workNs: number; readonly tag: Plain }
  | TouchOutput
  | StoreOutput
  | { readonly kind: "integrity"; readonly event: IntegrityEvent }
  | {
      readonly kind: "send";
      readonly to: string;
      readonly sequence: number;
      readonly bytes: number;
      readonly delivery: "datagram" | "stream";
    }
  | { readonly kind: "lifecycle"; readonly event: string }
  | Finding
  /** It has shut down. */
  | { readonly kind: "halt" };

/** Pages of the guest that it touched since its last output of this kind. */
export type TouchOutput = TouchedSet & {
  readonly kind: "touch";
  /** Working sets behind the first, each in pages of its own behind those before it. */
  readonly further?: readonly TouchedSet[];
  /** Share of its memory's pages that are scattered over memory; absent: they lie in order. */
  readonly fragmentationPercent?: number;
};

/** Pages that are touched in one way. */
export type TouchedSet = {
  readonly workingSetPages: number;
  readonly distribution: "uniform" | "zipf" | "sequential";
  readonly reads: number;
  readonly writes: number;
};

/** Pages that it writes now, knowing which: by a vCPU, or by a device on its behalf (-1). */
export type StoreOutput = {
  readonly kind: "store";
  readonly by: number;
  readonly page: number;
  readonly pages: number;
};

/** The guest's own check failed. */
export type Finding = {
  readonly kind: "finding";
  readonly check: GuestCheck;
  readonly message: string;
  readonly fields: PlainObject;
};

export type GuestCheck =
  | "a guest reads what it wrote"
  | "an acknowledged and flushed write survives"
  | "streams of messages arrive in order";

/** What a power loss takes. */
export type GuestState = {
  /** Where a modelled guest is between power-on and halt. */
  readonly stage: "off" | "booting" | "verifying" | "running" | "stopping" | "halted";
  readonly verify: { readonly disk: number; readonly sector: number; readonly open: number };
  readonly nextRequest: number;
  readonly open: { readonly [id: string]: OpenRequest };
  /** State of the kind of guest. */
  readonly own: PlainObject;
  /** It has an integrity driver. */
  readonly integrity?: IntegrityState;
};

export type OpenRequest = {
  readonly disk: number;
  readonly op: BlockRequest["op"];
  readonly sector: number;
  readonly sectors: number;
  /** Reading of the journal's clock when it was sent; names a write in the history. */
  readonly issued: number;
  readonly attempt: number;
  readonly tag: Plain;
};

/** What the outside world saw of the guest: survives everything, like a client's own records. */
export type GuestJournal = {
  /** Counts what the history must tell the order of: requests sent and answered, crashes. */
  readonly clock: number;
  readonly run: number;
  readonly disks: readonly DiskJournal[];
  /** Messages sent in this run, and the last one received, by peer; datagrams apart. */
  readonly sent: { readonly [peer: string]: number };
  readonly received: { readonly [peer: string]: { readonly run: number; readonly last: number } };
  /** Journal of the kind of guest. */
  readonly own: PlainObject;
};

/** Draws named by purpose, in the streams of the virtual machine. */
export type GuestDraw = (purpose: string, distribution: Distribution) => number;
