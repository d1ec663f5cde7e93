/* Generated from scenarios/schema by `npm run schema:types`. Do not edit. */

/**
 * A service time in microseconds: one number (always the same), or the median and 99th percentile of what was measured, from which each request draws.
 */
export type LatencyUs =
  | number
  | {
      /**
       * Half of all requests take at most this, in microseconds.
       */
      readonly median: number;
      /**
       * 99 of 100 requests take at most this, in microseconds.
       */
      readonly p99: number;
    };
/**
 * What runs inside a virtual machine.
 */
export type Guest = WorkloadGuest | CaptureGuest | Rv64Guest;
/**
 * An operation that starts at `atMs`, or `after` a phase of another one.
 */
export type TimelineEntry =
  | SnapshotOperation
  | RevertOperation
  | DeleteSnapshotOperation
  | CloneOperation
  | MigrateDiskFormatOperation
  | CollectGarbageOperation
  | ConsolidateOperation
  | AbortOperation
  | BackupOperation
  | RestoreOperation
  | DiskCheckpointOperation
  | CheckpointOperation
  | SuspendOperation
  | ResumeOperation
  | RestoreCheckpointOperation
  | MergeCheckpointsOperation
  | LinkedCloneOperation
  | PromoteOperation
  | GrowDiskOperation
  | MigrateOperation
  | CancelMigrationOperation
  | EvacuateOperation
  | PowerOnOperation
  | PowerOffOperation
  | StunOperation
  | UnstunOperation
  | UnpauseOperation
  | RestartOperation
  | TakeOverOperation;
/**
 * A fault that strikes `atMs`, `during` an operation's phase, or again and again.
 */
export type Fault =
  | FilterHangFault
  | CrashFault
  | PowerLossFault
  | SlowFault
  | DegradeFault
  | ClockStepFault
  | PartitionFault
  | PathLossFault
  | LostWriteFault
  | TornWriteFault
  | MisdirectedWriteFault
  | BitRotFault
  | LyingFlushFault
  | ArrayTaskFault
  | LatentErrorFault
  | NoSpaceFault;
/**
 * One expectation: of an operation, a VM, an invariant or a metric.
 */
export type Expectation = ExpectOperation | ExpectVm | ExpectInvariant | ExpectMetric;

/**
 * A scenario: a datacenter, what happens in it, and what is expected of it.
 */
export interface ScenarioDocument {
  /**
   * Where this schema lies, for completion in an editor.
   */
  readonly $schema?: string;
  /**
   * Name of the scenario; traces and reports carry it.
   */
  readonly name: string;
  /**
   * What it shows, in a sentence or two.
   */
  readonly description?: string;
  /**
   * Seed of every random draw. The command line can give another.
   */
  readonly seed?: number;
  /**
   * Simulated time that the run takes.
   */
  readonly durationMs: number;
  /**
   * Physical machines.
   */
  readonly hosts: readonly Host[];
  /**
   * Links between hosts and arrays.
   */
  readonly links?: readonly Link[];
  /**
   * Storage arrays.
   */
  readonly arrays?: readonly StorageArray[];
  /**
   * Virtual machines.
   */
  readonly vms?: readonly Vm[];
  /**
   * Operations and when they start.
   */
  readonly timeline?: readonly TimelineEntry[];
  /**
   * Faults, fixed or left to the gate.
   */
  readonly faults?: readonly Fault[];
  /**
   * What is expected of the run.
   */
  readonly expect?: readonly Expectation[];
  /**
   * Draws whose results are fixed, in place of chance: what a search has chosen.
   *
   * Items: A draw and its result.
   */
  readonly choices?: {
    /**
     * Name of the entity that draws.
     */
    readonly entity: string;
    /**
     * What it draws for.
     */
    readonly purpose: string;
    /**
     * Position in that stream, from 0.
     */
    readonly at: number;
    /**
     * What comes out.
     */
    readonly result: number;
  }[];
  /**
   * What `orrery explore` may add to the scenario. A run takes no notice of it.
   */
  readonly search?: {
    /**
     * Kinds of operation that it draws, and stories of these alone; all unless told.
     *
     * Items: A kind of operation.
     */
    readonly operations?: (
      | "snapshot"
      | "revert"
      | "delete-snapshot"
      | "clone"
      | "migrate-disk-format"
      | "collect-garbage"
      | "consolidate"
      | "abort"
      | "backup"
      | "restore"
      | "disk-checkpoint"
      | "checkpoint"
      | "suspend"
      | "resume"
      | "restore-checkpoint"
      | "merge-checkpoints"
      | "linked-clone"
      | "promote"
      | "grow-disk"
      | "migrate"
      | "cancel-migration"
      | "evacuate"
      | "power-on"
      | "power-off"
      | "stun"
      | "unstun"
      | "unpause"
      | "restart"
      | "take-over"
    )[];
    /**
     * Kinds of fault that it draws; unless told all but those that damage what was promised.
     *
     * Items: A kind of fault.
     */
    readonly faults?: (
      | "filter-hang"
      | "crash"
      | "power-loss"
      | "slow"
      | "degrade"
      | "clock-step"
      | "partition"
      | "path-loss"
      | "lost-write"
      | "torn-write"
      | "misdirected-write"
      | "bit-rot"
      | "lying-flush"
      | "array-task"
      | "latent-error"
      | "no-space"
    )[];
  };
}
/**
 * A physical machine; a failure domain of its own.
 */
export interface Host {
  /**
   * Name of the host.
   */
  readonly id: string;
  /**
   * Rack whose power the host shares; a fault can name it as its domain.
   */
  readonly rack?: string;
  /**
   * Processor cores.
   */
  readonly cores: number;
  /**
   * Physical memory.
   */
  readonly memoryMiB: number;
  readonly clock?: Clock;
  readonly scheduler?: Scheduler;
  readonly pageCache?: PageCache;
  /**
   * Disks in the host.
   */
  readonly disks?: readonly HostDisk[];
  /**
   * Sensors.
   */
  readonly sensors?: readonly Sensor[];
  readonly nic?: Nic;
  readonly evacuation?: Evacuation;
}
/**
 * The host's clock, which its software reads instead of true time.
 */
export interface Clock {
  /**
   * Clock minus true time at the start.
   */
  readonly offsetUs?: number;
  /**
   * How fast the clock gains (or, negative, loses), in millionths.
   */
  readonly driftPpm?: number;
  readonly ntp?: Ntp;
}
/**
 * NTP-like discipline: polls true time with an error and slews, or steps, the clock towards it.
 */
export interface Ntp {
  /**
   * Time between two polls.
   */
  readonly pollMs?: number;
  /**
   * Largest error of one poll, either way.
   */
  readonly errorUs?: number;
  /**
   * Fastest slew, in millionths of a second per second.
   */
  readonly maxSlewPpm?: number;
  /**
   * Offsets beyond this are stepped instead of slewed.
   */
  readonly stepThresholdUs?: number;
}
/**
 * The proportional-share processor scheduler.
 */
export interface Scheduler {
  /**
   * Longest time a vCPU runs before others get their turn.
   */
  readonly quantumUs?: number;
}
/**
 * The host's page cache, used by virtual disks whose `cacheMode` is not `none`.
 */
export interface PageCache {
  /**
   * Size of the cache; the least recently used page goes first.
   */
  readonly sizeMiB?: number;
  /**
   * Age at which dirty pages are written back.
   */
  readonly writebackMs?: number;
}
/**
 * A disk in the host: it loses power with the host.
 */
export interface HostDisk {
  /**
   * Name of the disk, unique in its host; virtual disks name it as `host/disk`.
   */
  readonly id: string;
  /**
   * Capacity.
   */
  readonly sizeMiB?: number;
  readonly readLatencyUs?: LatencyUs;
  readonly writeLatencyUs?: LatencyUs;
  /**
   * Extra time when a request does not follow the one before it.
   */
  readonly seekUs?: number;
  /**
   * Transfer rate in 10^6 bytes a second.
   */
  readonly transferMBps?: number;
  /**
   * Requests that the device works on at once; more wait.
   */
  readonly queueDepth?: number;
  /**
   * Volatile write cache; 0 = off, every write durable at once.
   */
  readonly writeCacheMiB?: number;
  readonly flushUs?: LatencyUs;
  readonly faultRates?: FaultRates;
}
/**
 * Chances of faults that strike by themselves, each drawn at the gate.
 */
export interface FaultRates {
  /**
   * Writes that are acknowledged and never reach the medium.
   */
  readonly lostWritePerMillion?: number;
  /**
   * Writes that land on another sector of the device.
   */
  readonly misdirectedWritePerMillion?: number;
  /**
   * Flushes that are acknowledged and make nothing durable.
   */
  readonly lyingFlushPerMillion?: number;
  /**
   * Written sectors that cannot be read until rewritten.
   */
  readonly latentErrorPerMillion?: number;
  /**
   * Reads of a sector that find one of its bits flipped for good.
   */
  readonly bitRotPerMillion?: number;
  /**
   * Unflushed writes of more than one sector that survive a power loss only in part.
   */
  readonly tornWritePerMillion?: number;
}
/**
 * A sensor of the host. The fault `degrade` drives its reading away from nominal.
 */
export interface Sensor {
  /**
   * Name of the sensor, unique in its host, for instance `inletCelsius`.
   */
  readonly id: string;
  /**
   * Reading of a healthy host, in the sensor's unit.
   */
  readonly nominal: number;
  /**
   * Standard deviation of a single reading.
   */
  readonly noise?: number;
  /**
   * Reading from which a warning is raised.
   */
  readonly warningAt?: number;
  /**
   * Reading from which the host is critical.
   */
  readonly criticalAt?: number;
  /**
   * Time between two readings.
   */
  readonly periodMs?: number;
}
/**
 * The network interface: its rate is shared by all links of the host.
 */
export interface Nic {
  /**
   * Line rate in 10^6 bits a second, each way.
   */
  readonly bandwidthMbps?: number;
}
/**
 * VMs are moved away as soon as a sensor of the host says so. Without it, or when that comes too late, they are restarted after the host has failed.
 */
export interface Evacuation {
  /**
   * Level of any sensor at which it begins.
   */
  readonly at?: "warning" | "critical";
  /**
   * Hosts to which VMs may go. Each goes to the first one that admits it; they begin with the next one by turns.
   *
   * Items: A host.
   */
  readonly to: readonly string[];
  /**
   * VMs that are on their way at once.
   */
  readonly parallel?: number;
  /**
   * How each is moved, as in `migrate`.
   */
  readonly algorithm?: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of each move.
   */
  readonly maxMbps?: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs?: number;
}
/**
 * A link between two hosts, or a host and an array. Both directions have the same figures.
 */
export interface Link {
  /**
   * Name of the link; absent = the two ends, joined by `--`.
   */
  readonly id?: string;
  /**
   * The two ends: ids of hosts or arrays.
   *
   * @minItems 2
   * @maxItems 2
   *
   * Items: A host or an array.
   */
  readonly between: readonly [string, string];
  /**
   * Rate of each direction, in 10^6 bits a second.
   */
  readonly bandwidthMbps?: number;
  /**
   * Propagation time, one way.
   */
  readonly latencyUs?: number;
  /**
   * Most that a message is delayed on top, drawn evenly.
   */
  readonly jitterUs?: number;
  /**
   * Messages that are lost.
   */
  readonly lossPerMillion?: number;
  /**
   * Messages that arrive twice.
   */
  readonly duplicatePerMillion?: number;
  /**
   * Messages that later ones may overtake.
   */
  readonly reorderPerMillion?: number;
  /**
   * Queue of each direction; what does not fit is dropped.
   */
  readonly queueKiB?: number;
}
/**
 * A storage array: a failure domain of its own, reached over links; each link is a path.
 */
export interface StorageArray {
  /**
   * Name of the array.
   */
  readonly id: string;
  /**
   * Rack whose power the array shares; a fault can name it as its domain.
   */
  readonly rack?: string;
  /**
   * How the array keeps snapshots: `redo` = chains of redo logs; `cow` = also copy-on-write volumes behind VASA verbs.
   */
  readonly kind?: "redo" | "cow";
  /**
   * Copy-on-write volumes: unit in which the array copies and tells differences.
   */
  readonly chunkKiB?: 64 | 128 | 256 | 512 | 1024 | 4096;
  /**
   * Space for virtual volumes; beyond it, writes fail with no space.
   */
  readonly capacityMiB?: number;
  readonly ownership?: DiskOwnership;
  /**
   * The write cache survives a power loss (battery or flash).
   */
  readonly writeCacheProtected?: boolean;
  readonly readLatencyUs?: LatencyUs;
  readonly writeLatencyUs?: LatencyUs;
  /**
   * Extra time when a request does not follow the one before it.
   */
  readonly seekUs?: number;
  /**
   * Transfer rate in 10^6 bytes a second.
   */
  readonly transferMBps?: number;
  /**
   * Requests that the array works on at once; more wait.
   */
  readonly queueDepth?: number;
  /**
   * Write cache; 0 = off, every write durable before it is acknowledged.
   */
  readonly writeCacheMiB?: number;
  readonly flushUs?: LatencyUs;
  readonly faultRates?: FaultRates;
}
/**
 * Ownership of virtual disks: one host at a time, in an epoch that rises with each change.
 */
export interface DiskOwnership {
  /**
   * What the array holds each request against: `epoch` = the owner's name and the epoch in which it opened the disk; `owner-name` = the name alone, as was done before epochs (unsafe: a late request of an earlier time as the owner is taken).
   */
  readonly fencing?: "epoch" | "owner-name";
  /**
   * How often a host that owns disks says that it is alive.
   */
  readonly heartbeatMs?: number;
  /**
   * Silence after which an owner counts as dead. A VM that starts elsewhere after the death of its host waits for it: with the defaults about 0.6 s, what clocks may drift and the pause between two looks included.
   */
  readonly leaseMs?: number;
  /**
   * How far a watcher reckons that clocks may run apart.
   */
  readonly maxDriftPpm?: number;
}
/**
 * A virtual machine.
 */
export interface Vm {
  /**
   * Name of the virtual machine.
   */
  readonly id: string;
  /**
   * Host on which it is at the start.
   */
  readonly host: string;
  /**
   * Hosts on which it may be restarted when its host fails, best first; none = it stays down.
   *
   * Items: A host.
   */
  readonly restartOn?: readonly string[];
  /**
   * Of several waiting to be restarted, the highest goes first.
   */
  readonly priority?: number;
  /**
   * Powered on at the start.
   */
  readonly poweredOn?: boolean;
  /**
   * Memory that the guest sees.
   */
  readonly memoryMiB: number;
  /**
   * Virtual processors.
   */
  readonly vcpus?: number;
  /**
   * Weight in the processor scheduler, for each virtual processor.
   */
  readonly shares?: number;
  readonly protection?: Protection;
  readonly onAlert?: AlertPolicy;
  readonly guest: Guest;
  /**
   * Virtual disks.
   */
  readonly disks?: readonly VmDisk[];
}
/**
 * Fault tolerance: a copy on another host takes the same steps, and goes on when this one is lost. Its disks are on arrays that keep what they acknowledged.
 */
export interface Protection {
  /**
   * `log-replay` = the copy follows the log of what the guest receives.
   */
  readonly kind: "log-replay";
  /**
   * Host of the copy.
   */
  readonly host: string;
  /**
   * How often either side says that it is there.
   */
  readonly heartbeatMs?: number;
  /**
   * Silence after which the other side is suspected.
   */
  readonly timeoutMs?: number;
  /**
   * The VM waits when its copy is further behind.
   */
  readonly maxLagMs?: number;
}
/**
 * What its host does when the integrity driver in the guest has something to be told of, beside telling.
 */
export interface AlertPolicy {
  /**
   * `log` = nothing more; `pause` = the VM stands still at the violating write, with nothing behind it done, until an `unpause` operation; `snapshot` = it stands still there until a checkpoint of its memory, and of its disks if they are redo logs, has its instant, and goes on. Of the VM `db` they are the operations `db-alert-1`, `db-alert-2` and so on.
   */
  readonly do?: "log" | "pause" | "snapshot";
  /**
   * Of `snapshot`: the array that keeps the checkpoints; the VM's host needs a link to it.
   */
  readonly on?: string;
  /**
   * Of `snapshot`: so many checkpoints; later alerts are told and no more.
   */
  readonly atMost?: number;
}
/**
 * A modelled workload: phases of processor, memory, block and network use.
 */
export interface WorkloadGuest {
  /**
   * A modelled workload: phases of processor, memory, block and network use.
   */
  readonly kind: "workload";
  /**
   * Time from power-on until the guest reports `postboot`.
   */
  readonly bootMs?: number;
  /**
   * After the last phase the first one starts again.
   */
  readonly repeat?: boolean;
  /**
   * Phases, one after the other.
   */
  readonly phases: readonly WorkloadPhase[];
  readonly integrity?: IntegrityDriver;
}
/**
 * One phase of a workload.
 */
export interface WorkloadPhase {
  /**
   * Name of the phase, unique in its guest.
   */
  readonly name: string;
  /**
   * Length of the phase, in the guest's running time.
   */
  readonly durationMs: number;
  /**
   * Threads that compute.
   */
  readonly threads?: number;
  readonly cpu?: WorkloadCpu;
  readonly memory?: WorkloadMemory;
  /**
   * Block requests.
   */
  readonly block?: readonly (ClosedBlock | OpenBlock)[];
  /**
   * Network traffic.
   */
  readonly network?: readonly WorkloadNetwork[];
  /**
   * Events that the application reports.
   */
  readonly events?: readonly PhaseEvent[];
}
/**
 * Processor use.
 */
export interface WorkloadCpu {
  /**
   * Share of its time that each thread computes.
   */
  readonly busyPercent?: number;
}
/**
 * Memory use, in 4 KiB pages.
 */
export interface WorkloadMemory {
  /**
   * Memory that is touched; at most the VM's.
   */
  readonly workingSetMiB: number;
  /**
   * Page reads a second, all threads together.
   */
  readonly readsPerSecond?: number;
  /**
   * Page writes a second, all threads together.
   */
  readonly writesPerSecond?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution?: "uniform" | "zipf" | "sequential";
  /**
   * Share of the memory's pages that the guest's page table scatters; the others lie in order.
   */
  readonly fragmentationPercent?: number;
  /**
   * Further working sets, each in pages of its own behind those before it. Few programs write all their memory alike: a small set is written all the time, a large one now and then.
   */
  readonly furtherSets?: readonly WorkloadWorkingSet[];
}
/**
 * Memory that is touched in one way, apart from other memory.
 */
export interface WorkloadWorkingSet {
  /**
   * Memory that is touched; at most the VM's.
   */
  readonly workingSetMiB: number;
  /**
   * Page reads a second, all threads together.
   */
  readonly readsPerSecond?: number;
  /**
   * Page writes a second, all threads together.
   */
  readonly writesPerSecond?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution?: "uniform" | "zipf" | "sequential";
}
/**
 * Block requests, closed: each stream sends its next request when the one before is answered.
 */
export interface ClosedBlock {
  /**
   * The next request waits for an answer.
   */
  readonly pacing: "closed";
  /**
   * The VM's disk that is used.
   */
  readonly disk: string;
  /**
   * Share of requests that read; the others write.
   */
  readonly readPercent?: number;
  /**
   * Size of a request.
   */
  readonly sizeKiB?: number;
  /**
   * Use only the first part of the disk; absent = all of it.
   */
  readonly regionMiB?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution?: "uniform" | "zipf" | "sequential";
  /**
   * A flush after this many writes; 0 = never.
   */
  readonly flushEvery?: number;
  /**
   * Requests under way at once.
   */
  readonly outstanding?: number;
  /**
   * Pause of a stream between an answer and its next request.
   */
  readonly thinkTimeUs?: number;
}
/**
 * Block requests, open: they arrive as a Poisson process, whether others were answered or not.
 */
export interface OpenBlock {
  /**
   * Requests do not wait for answers.
   */
  readonly pacing: "open";
  /**
   * The VM's disk that is used.
   */
  readonly disk: string;
  /**
   * Share of requests that read; the others write.
   */
  readonly readPercent?: number;
  /**
   * Size of a request.
   */
  readonly sizeKiB?: number;
  /**
   * Use only the first part of the disk; absent = all of it.
   */
  readonly regionMiB?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution?: "uniform" | "zipf" | "sequential";
  /**
   * A flush after this many writes; 0 = never.
   */
  readonly flushEvery?: number;
  /**
   * Mean arrival rate.
   */
  readonly requestsPerSecond: number;
}
/**
 * Messages to another VM.
 */
export interface WorkloadNetwork {
  /**
   * The VM that receives.
   */
  readonly to: string;
  /**
   * Mean rate.
   */
  readonly messagesPerSecond: number;
  /**
   * Size of a message.
   */
  readonly sizeBytes?: number;
  /**
   * `datagram` = may be lost; `stream` = sent again until it arrives, in order.
   */
  readonly transport?: "datagram" | "stream";
}
/**
 * An event that the application reports.
 */
export interface PhaseEvent {
  /**
   * Name of the event.
   */
  readonly name: string;
  /**
   * When, counted from the start of the phase.
   */
  readonly atMs?: number;
}
/**
 * A driver in the guest that has its hypervisor watch pages (US 11,379,385). From its one entry point it enters integrity mode and updates its data; all other writes to what it protects, to its code and to its data raise alerts.
 */
export interface IntegrityDriver {
  /**
   * Where its code and, behind it, its data begin; absent = 8 MiB below the end of memory.
   */
  readonly atMiB?: number;
  /**
   * Pages of its code.
   */
  readonly codePages?: number;
  /**
   * Pages of its data.
   */
  readonly dataPages?: number;
  /**
   * Pages that it protects.
   */
  readonly protect?: readonly ProtectedRange[];
  /**
   * Pause between updates of its data; 0 = none.
   */
  readonly updateEveryMs?: number;
  /**
   * How long an update takes, in integrity mode.
   */
  readonly updateUs?: number;
  /**
   * One of so many updates is interrupted in the middle; 0 = none.
   */
  readonly interruptEvery?: number;
  /**
   * How long an interrupt takes.
   */
  readonly interruptUs?: number;
  /**
   * Who tampers with what it protects.
   */
  readonly attacks?: readonly IntegrityAttack[];
}
/**
 * Pages of 4 KiB that the driver protects: writes to them raise alerts.
 */
export interface ProtectedRange {
  /**
   * Where they begin in the guest's memory.
   */
  readonly atMiB: number;
  /**
   * How many.
   */
  readonly pages?: number;
}
/**
 * Something that tampers with what the driver protects.
 */
export interface IntegrityAttack {
  /**
   * When, counted from the start of the application.
   */
  readonly atMs: number;
  /**
   * `at-once`; `in-update` = in the driver's next update, from another vCPU if there is one; `in-interrupt` = while its next interrupted update is interrupted, on the same vCPU.
   */
  readonly when?: "at-once" | "in-update" | "in-interrupt";
  /**
   * Who writes: the `kernel` (any code that is not the driver), a `device` (DMA), the `driver` in integrity mode; or the kernel after a `forged-entry` (a jump past the driver's check) or after it asked to `unprotect` the pages.
   */
  readonly by?: "kernel" | "device" | "driver" | "forged-entry" | "unprotect";
  /**
   * What is written: the first `protected` pages, the driver's `code` or its `data`.
   */
  readonly on?: "protected" | "code" | "data";
  /**
   * How many pages are written, one after the other.
   */
  readonly pages?: number;
}
/**
 * A captured block trace, played back.
 */
export interface CaptureGuest {
  /**
   * A captured block trace, played back.
   */
  readonly kind: "capture";
  /**
   * Time from power-on until the guest reports `postboot`.
   */
  readonly bootMs?: number;
  /**
   * The captured trace: a path from the document's folder, else from Orrery's own.
   */
  readonly file: string;
  /**
   * Format of the file; absent = told from its first lines.
   */
  readonly format?: "vscsi" | "blkparse" | "fio-iolog" | "msr" | "nbdkit-log";
  /**
   * The VM's disk that the requests go to; absent = its first.
   */
  readonly disk?: string;
  /**
   * `closed` = at most the recorded number of requests under way, think times kept; `open` = at the recorded times.
   */
  readonly pacing?: "closed" | "open";
  /**
   * Recorded times are multiplied by this.
   */
  readonly timeScale?: number;
  /**
   * Play only the first requests; absent = all.
   */
  readonly limit?: number;
  /**
   * A flush after this many writes. Needed when the file records no flushes; 0 = never.
   */
  readonly flushEvery?: number;
  /**
   * A sector beyond the disk is taken modulo its size instead of refused.
   */
  readonly wrap?: boolean;
}
/**
 * A real RISC-V machine (RV64GC) that runs a program or a Linux kernel.
 */
export interface Rv64Guest {
  /**
   * A real RISC-V machine (RV64GC) that runs a program or a Linux kernel.
   */
  readonly kind: "rv64";
  /**
   * An ELF file or a Linux `Image`: a path from the document's folder, else from Orrery's own.
   */
  readonly file: string;
  /**
   * Initial RAM disk of a Linux kernel, found in the same way.
   */
  readonly initrd?: string;
  /**
   * Command line of a Linux kernel.
   */
  readonly commandLine?: string;
  /**
   * Up to 64 bytes in hexadecimal from which a Linux kernel's random numbers start.
   */
  readonly rngSeed?: string;
  /**
   * An ELF starts in supervisor mode with SBI below it, instead of in machine mode.
   */
  readonly firmware?: boolean;
  /**
   * Instructions of all harts in a second.
   */
  readonly instructionsPerSecond?: number;
  /**
   * Instructions that a hart executes before the next one's turn.
   */
  readonly quantum?: number;
  /**
   * A virtio source of randomness.
   */
  readonly rng?: boolean;
  /**
   * A virtio console beside the serial one.
   */
  readonly virtioConsole?: boolean;
  /**
   * Network interfaces, the first one first.
   */
  readonly network?: readonly Rv64Nic[];
  /**
   * What is typed into its console, one after the other.
   */
  readonly typed?: readonly Rv64Typing[];
}
/**
 * A network interface, connected with one of another VM whose guest is rv64 as well.
 */
export interface Rv64Nic {
  /**
   * The VM at the other end; it has an interface that names this one.
   */
  readonly to: string;
  /**
   * MAC address; absent = one that is unique in the document.
   */
  readonly mac?: string;
}
/**
 * Something typed into the serial console.
 */
export interface Rv64Typing {
  /**
   * Typed once the console has shown this since the last was typed; absent = at once.
   */
  readonly waitFor?: string;
  /**
   * Time that passes before it is typed.
   */
  readonly delayMs?: number;
  /**
   * What is typed; a new line is the Enter key.
   */
  readonly text: string;
}
/**
 * A virtual disk.
 */
export interface VmDisk {
  /**
   * Name of the disk, unique in its VM; elsewhere it is `vm:disk`.
   */
  readonly id: string;
  /**
   * Where it lies: an array (`array`; all disks of a VM on arrays are on the same one) or a disk of the VM's host (`host/disk`), all of it.
   */
  readonly on: string;
  /**
   * Size that the guest sees.
   */
  readonly sizeMiB: number;
  /**
   * What it holds at the start: an image file (qcow2, VMDK, or raw named `.raw` or `.img`), from the document's folder. A chain of files, or snapshots inside one, become redo logs and points in time of a disk of kind `redo`.
   */
  readonly image?: string;
  /**
   * `redo` = a chain of redo logs, can be snapshotted; `cow` = a copy-on-write volume of an array of that kind, snapshotted by the array; `flat` = one raw volume, or a host's disk, cannot; `network` = a volume that the guest itself mounts over its network.
   */
  readonly kind?: "redo" | "cow" | "flat" | "network";
  /**
   * Unit in which a redo log copies on write.
   */
  readonly grainKiB?: 4 | 8 | 16 | 32 | 64 | 128 | 256 | 512 | 1024;
  /**
   * Use of the host's page cache. With `writeback` a write is acknowledged before it is anywhere but in the host's memory.
   */
  readonly cacheMode?: "none" | "writethrough" | "writeback";
}
/**
 * Take a snapshot of a VM's disks while it runs.
 */
export interface SnapshotOperation {
  /**
   * Take a snapshot of a VM's disks while it runs.
   */
  readonly do: "snapshot";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The disks; absent = all that can be snapshotted.
   *
   * Items: A disk of the VM.
   */
  readonly disks?: readonly string[];
}
/**
 * Put the disks of a VM back to a point in time. Copy-on-write disks are reverted by the array, guarded by a safety snapshot; on redo logs a new one is put on the point. A VM that is on is refused, or restarted.
 */
export interface RevertOperation {
  /**
   * Put the disks of a VM back to a point in time. Copy-on-write disks are reverted by the array, guarded by a safety snapshot; on redo logs a new one is put on the point. A VM that is on is refused, or restarted.
   */
  readonly do: "revert";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took the point in time.
   */
  readonly point: string;
  /**
   * A VM that is on is stunned, its disks are reverted, and it boots from them: its guest cannot go on when they change under it. A revert that fails lets it go on.
   */
  readonly restart?: boolean;
}
/**
 * Give up a point in time. With copy-on-write disks no data moves, and the VM may be on or off; on redo logs this is `consolidate` with a mirror.
 */
export interface DeleteSnapshotOperation {
  /**
   * Give up a point in time. With copy-on-write disks no data moves, and the VM may be on or off; on redo logs this is `consolidate` with a mirror.
   */
  readonly do: "delete-snapshot";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took the point in time.
   */
  readonly point: string;
}
/**
 * Copy a VM's disks with all their points in time, from the differences between them, to disks of another name on the same array. With `point` the copy ends at that point in time. Of a VM that is on, and without `point`, it is of the moment: a point in time is taken for it and given up again.
 */
export interface CloneOperation {
  /**
   * Copy a VM's disks with all their points in time, from the differences between them, to disks of another name on the same array. With `point` the copy ends at that point in time. Of a VM that is on, and without `point`, it is of the moment: a point in time is taken for it and given up again.
   */
  readonly do: "clone";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Name of the copy: what a VM of that name would find as its disks.
   */
  readonly as: string;
  /**
   * The snapshot operation up to which is copied; absent = all, and what runs.
   */
  readonly point?: string;
  /**
   * `cow` = copy-on-write volumes, on an array that has them; `redo` = redo logs.
   */
  readonly format?: "cow" | "redo";
}
/**
 * Make copy-on-write disks of redo logs, or the other way round, with all points in time. Of a VM that is on the guest's writes go to both while what runs is copied, and it is stunned shortly for the switch.
 */
export interface MigrateDiskFormatOperation {
  /**
   * Make copy-on-write disks of redo logs, or the other way round, with all points in time. Of a VM that is on the guest's writes go to both while what runs is copied, and it is stunned shortly for the switch.
   */
  readonly do: "migrate-disk-format";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * What the disks become.
   */
  readonly to: "cow" | "redo";
  /**
   * Of a VM that is on: how much is locked and copied at a time.
   */
  readonly copyKiB?: number;
}
/**
 * Let an array go of copy-on-write volumes and descriptors that nothing leads to. What belongs to an operation that has begun stays.
 */
export interface CollectGarbageOperation {
  /**
   * Let an array go of copy-on-write volumes and descriptors that nothing leads to. What belongs to an operation that has begun stays.
   */
  readonly do: "collect-garbage";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The array.
   */
  readonly array: string;
  /**
   * Host that does the work.
   */
  readonly host: string;
}
/**
 * Give up a point in time: the layer above goes into its own, or, of a VM that is off or of a branch that the VM does not run on, both into a new one. Without `point`: the lowest layer that no point in time is kept on, as an aborted one leaves it.
 */
export interface ConsolidateOperation {
  /**
   * Give up a point in time: the layer above goes into its own, or, of a VM that is off or of a branch that the VM does not run on, both into a new one. Without `point`: the lowest layer that no point in time is kept on, as an aborted one leaves it.
   */
  readonly do: "consolidate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took it, or the backup that left it.
   */
  readonly point?: string;
  /**
   * `mirror` = one pass, with the guest's writes going to both; `iterative` = rounds with helper deltas; `block-merge` = by metadata, with the guest stunned. Not looked at where no guest writes.
   */
  readonly method?: "mirror" | "iterative" | "block-merge";
  /**
   * How much is locked and copied at a time.
   */
  readonly copyKiB?: number;
  /**
   * Iterative: rounds after which the rest is copied in a stun.
   */
  readonly maxRounds?: number;
  /**
   * Iterative: what is left that is copied in a stun at once.
   */
  readonly enoughKiB?: number;
}
/**
 * Ask a consolidation, promotion or backup to stop; what is done already stays.
 */
export interface AbortOperation {
  /**
   * Ask a consolidation, promotion or backup to stop; what is done already stays.
   */
  readonly do: "abort";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The operation.
   */
  readonly operation: string;
}
/**
 * Copy a running VM to another array, from a snapshot that is consolidated afterwards; on copy-on-write disks that of the newest backup stays, under the backup's id.
 */
export interface BackupOperation {
  /**
   * Copy a running VM to another array, from a snapshot that is consolidated afterwards; on copy-on-write disks that of the newest backup stays, under the backup's id.
   */
  readonly do: "backup";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the backup; the VM's host needs a link to it.
   */
  readonly to: string;
  /**
   * `incremental` = only what changed since the VM's last backup, where that is known: by sector in the same run, by regions of 256 KiB after a crash, not after a restore; on copy-on-write disks by chunks of the array.
   */
  readonly mode?: "full" | "incremental";
  /**
   * How much is copied at a time.
   */
  readonly copyKiB?: number;
}
/**
 * Put the disks of a VM that is off back to what a backup holds: redo chains, or copy-on-write disks, which get new volumes. Points in time stay.
 */
export interface RestoreOperation {
  /**
   * Put the disks of a VM that is off back to what a backup holds: redo chains, or copy-on-write disks, which get new volumes. Points in time stay.
   */
  readonly do: "restore";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The backup operation.
   */
  readonly backup: string;
  /**
   * The array that keeps the backup.
   */
  readonly from: string;
  /**
   * How much is copied at a time.
   */
  readonly copyKiB?: number;
}
/**
 * Checkpoint the disks of a running VM: freeze the layer it writes to above its raw disk, copy that to another array, and commit what was written meanwhile. `restore` brings it back.
 */
export interface DiskCheckpointOperation {
  /**
   * Checkpoint the disks of a running VM: freeze the layer it writes to above its raw disk, copy that to another array, and commit what was written meanwhile. `restore` brings it back.
   */
  readonly do: "disk-checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the copy; the VM's host needs a link to it.
   */
  readonly to: string;
  /**
   * How the new layer goes into the frozen one: `mirror` = while the guest runs; `metadata` = in the array's map alone, nothing is copied; `pause` = while the guest waits, the older way.
   */
  readonly commit?: "mirror" | "metadata" | "pause";
  /**
   * How much is copied at a time.
   */
  readonly copyKiB?: number;
}
/**
 * Save memory and devices of a running VM, all of one instant. `restore-checkpoint` brings it back. Pages that a restore has not brought yet stay in its file, on which the new one then stands.
 */
export interface CheckpointOperation {
  /**
   * Save memory and devices of a running VM, all of one instant. `restore-checkpoint` brings it back. Pages that a restore has not brought yet stay in its file, on which the new one then stands.
   */
  readonly do: "checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * How pages stay as they were while the guest goes on: `lazy` = the block of a page is saved before its first write; `copy-aside` = the page is copied to a side buffer; `redirect` = the write goes to another page, merged later; `stop-and-copy` = the guest stands still, the older way.
   */
  readonly method?: "lazy" | "copy-aside" | "redirect" | "stop-and-copy";
  /**
   * Also take a point in time of its disks at the same instant.
   */
  readonly withDisks?: boolean;
  /**
   * Keep older checkpoints of the VM.
   */
  readonly keepOlder?: boolean;
  /**
   * Save only pages written since this checkpoint operation, or since the `last` one, and stand on it: it stays as long as it is needed. What is written is noted from the first checkpoint with a base on, on one host, while the VM runs; where it is not known, all is saved.
   */
  readonly base?: string;
  /**
   * So many stand on each other at most; the next one saves all.
   */
  readonly longestChain?: number;
  /**
   * Size of a block of memory, which is saved at once.
   */
  readonly blockKiB?: number;
  /**
   * Blocks that are written together, as one storage block.
   */
  readonly groupBlocks?: number;
  /**
   * Blocks that may be copied and not written yet.
   */
  readonly stagingBlocks?: number;
  /**
   * Room for pages that are copied aside, or redirected.
   */
  readonly sideMiB?: number;
}
/**
 * Save memory and devices of a running VM and switch it off; `resume` goes on with it. Pages that a restore has not brought yet stay in its file.
 */
export interface SuspendOperation {
  /**
   * Save memory and devices of a running VM and switch it off; `resume` goes on with it. Pages that a restore has not brought yet stay in its file.
   */
  readonly do: "suspend";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * How it is found out which pages the VM uses, so that `resume` can load those first. It runs on meanwhile, and is saved in the background: `traced` = the first access to each page faults; `access-bits` = the processor's bits are looked at; `none` = nobody looks, and the VM stands still while it is saved, the older way.
   */
  readonly workingSet?: "traced" | "access-bits" | "none";
  /**
   * For so long at least it is looked which pages are used.
   */
  readonly traceMs?: number;
  /**
   * Size of a block of memory, which is saved at once.
   */
  readonly blockKiB?: number;
  /**
   * Blocks that are written together, as one storage block.
   */
  readonly groupBlocks?: number;
  /**
   * Blocks that may be copied and not written yet.
   */
  readonly stagingBlocks?: number;
  /**
   * Room for pages that are copied aside, or redirected.
   */
  readonly sideMiB?: number;
}
/**
 * Go on with a suspended VM. Refused as `spent` where it was started or reverted since, or has been resumed before: its disks are others by then.
 */
export interface ResumeOperation {
  /**
   * Go on with a suspended VM. Refused as `spent` where it was started or reverted since, or has been resumed before: its disks are others by then.
   */
  readonly do: "resume";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM, which is off.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * Where it goes on. Default: where it was.
   */
  readonly host?: string;
  /**
   * `lazy` = it goes on at once, and what is not there yet is read when it is touched; `working-set` = the pages that it used when it was suspended are read before, the rest as with `lazy`; `deferred` = as `lazy`, but it is known of each page before whether it is zeros or one word again and again, and such a page is made when it is touched; `eager` = all is read before, the older way.
   */
  readonly method?: "lazy" | "working-set" | "deferred" | "eager";
  /**
   * What is read with a page that the VM waits for: pages behind the `virtual` neighbours of its address, by the guest's own page table, or `physical` neighbours, the older way.
   */
  readonly prefetch?: "none" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages?: number;
  /**
   * Storage blocks that are read at once in the background.
   */
  readonly readsAtOnce?: number;
}
/**
 * Go on with a VM that is off from one of its checkpoints, its disks included. Refused as `disks-not-saved` where a disk of the VM has no point in time of that instant (`withDisks`).
 */
export interface RestoreCheckpointOperation {
  /**
   * Go on with a VM that is off from one of its checkpoints, its disks included. Refused as `disks-not-saved` where a disk of the VM has no point in time of that instant (`withDisks`).
   */
  readonly do: "restore-checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM, which is off.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * Where it goes on. Default: where it was.
   */
  readonly host?: string;
  /**
   * `lazy` = it goes on at once, and what is not there yet is read when it is touched; `working-set` = the pages that it used when it was suspended are read before, the rest as with `lazy`; `deferred` = as `lazy`, but it is known of each page before whether it is zeros or one word again and again, and such a page is made when it is touched; `eager` = all is read before, the older way.
   */
  readonly method?: "lazy" | "working-set" | "deferred" | "eager";
  /**
   * What is read with a page that the VM waits for: pages behind the `virtual` neighbours of its address, by the guest's own page table, or `physical` neighbours, the older way.
   */
  readonly prefetch?: "none" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages?: number;
  /**
   * Storage blocks that are read at once in the background.
   */
  readonly readsAtOnce?: number;
  /**
   * The checkpoint operation. Default: the last one.
   */
  readonly checkpoint?: string;
}
/**
 * Make one file of an incremental checkpoint and all that it stands on, while the VM runs: its host reads and writes them, and what nothing stands on any more goes. Until the one file counts, the chain is the checkpoint, and others may be made on it.
 */
export interface MergeCheckpointsOperation {
  /**
   * Make one file of an incremental checkpoint and all that it stands on, while the VM runs: its host reads and writes them, and what nothing stands on any more goes. Until the one file counts, the chain is the checkpoint, and others may be made on it.
   */
  readonly do: "merge-checkpoints";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM, which runs.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * The checkpoint operation. Default: the last one.
   */
  readonly checkpoint?: string;
  /**
   * Keep those that it stood on as checkpoints of their own.
   */
  readonly keepOlder?: boolean;
}
/**
 * Put the disks of a VM that is off on a point in time of another VM; nothing is copied. On redo logs the point in time stays as long as the clone stands on it; copy-on-write disks share chunks, which the array keeps as long as a clone needs them, and the point may be given up.
 */
export interface LinkedCloneOperation {
  /**
   * Put the disks of a VM that is off on a point in time of another VM; nothing is copied. On redo logs the point in time stays as long as the clone stands on it; copy-on-write disks share chunks, which the array keeps as long as a clone needs them, and the point may be given up.
   */
  readonly do: "linked-clone";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM that keeps the point in time.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took it. Absent: one is taken of the running VM, under the name of this operation; on redo logs it stays, of copy-on-write disks it is given up again.
   */
  readonly point?: string;
  /**
   * The VM whose disks of the same names are replaced.
   */
  readonly clone: string;
}
/**
 * Make a linked clone a full one while it runs: its disks get a base of their own. Of copy-on-write disks the array copies up what is still shared, also while the VM is off, and points in time stay; `snapshots` and `copyKiB` then say nothing.
 */
export interface PromoteOperation {
  /**
   * Make a linked clone a full one while it runs: its disks get a base of their own. Of copy-on-write disks the array copies up what is still shared, also while the VM is off, and points in time stay; `snapshots` and `copyKiB` then say nothing.
   */
  readonly do: "promote";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The clone.
   */
  readonly vm: string;
  /**
   * What to do when the clone has points in time of its own.
   */
  readonly snapshots?: "refuse" | "carry";
  /**
   * How much is locked and copied at a time.
   */
  readonly copyKiB?: number;
}
/**
 * Make a disk of a running VM larger: its volumes, its descriptor, and the disk that the guest sees: flat, copy-on-write, with redo logs, or mounted by the guest. Points in time keep their size. A real machine keeps the size that it was booted with, and is refused.
 */
export interface GrowDiskOperation {
  /**
   * Make a disk of a running VM larger: its volumes, its descriptor, and the disk that the guest sees: flat, copy-on-write, with redo logs, or mounted by the guest. Points in time keep their size. A real machine keeps the size that it was booted with, and is refused.
   */
  readonly do: "grow-disk";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Its disk, on an array.
   */
  readonly disk: string;
  /**
   * Size that the guest sees afterwards.
   */
  readonly toMiB: number;
}
/**
 * Move a running VM to another host while it runs. Disks on arrays stay where they are, and both hosts reach them; disks on a medium of its host go to free media of the other one (else the move is refused: `no-disk`, `no-space`). These and the memory go over the link between the two; pages that a restore has not brought yet do not, and are read at the destination.
 */
export interface MigrateOperation {
  /**
   * Move a running VM to another host while it runs. Disks on arrays stay where they are, and both hosts reach them; disks on a medium of its host go to free media of the other one (else the move is refused: `no-disk`, `no-space`). These and the memory go over the link between the two; pages that a restore has not brought yet do not, and are read at the destination.
   */
  readonly do: "migrate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it goes on.
   */
  readonly to: string;
  /**
   * `pre-copy` = rounds whose rate follows what was dirtied, then a short stop; `fixed-rate` = rounds at `maxMbps`; `stop-and-copy` = everything while the VM stands still; `post-copy` = the VM goes on at once, and its pages follow: those that it needs first, the others in order at `maxMbps`. When either host is lost before all are there, the VM is lost and restarted; while the link is cut, it stands still when it needs a page.
   */
  readonly algorithm?: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of the first round.
   */
  readonly minMbps?: number;
  /**
   * Rate of the last round; a round that would have to be faster is not begun.
   */
  readonly maxMbps?: number;
  /**
   * Rate at which the rest is sent while the VM stands still; absent = `maxMbps`.
   */
  readonly lastMbps?: number;
  /**
   * How much faster than pages were dirtied the next round is.
   */
  readonly stepMbps?: number;
  /**
   * With less than this left the VM is stopped.
   */
  readonly stopBelowKiB?: number;
  /**
   * Rounds after which it is stopped in any case.
   */
  readonly maxRounds?: number;
  /**
   * What bringing the VM to a standstill takes by itself.
   */
  readonly stopMs?: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs?: number;
  /**
   * Post-copy: a VM that waits so long for a page, without a word of the host it left, is given up and restarted.
   */
  readonly patienceMs?: number;
  /**
   * Post-copy: what comes with a page that the VM waits for: the `group` of 8 pages in which it lies; pages behind the `virtual` neighbours of its address, by the guest's own page table; its `physical` neighbours.
   */
  readonly prefetch?: "group" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages?: number;
  /**
   * Entries of the second-stage tables on which traces are set at first.
   */
  readonly granularity?: "4KiB" | "2MiB" | "1GiB";
  /**
   * `one` = one vCPU sets traces while the others run on; `all` = all of them stop for it.
   */
  readonly tracedBy?: "one" | "all";
}
/**
 * Call the move of a VM off. Until it is given away it goes on where it is, and nothing is left of the move (which ends as `cancelled`); after that the cancel is refused (`given-away`), and so it is when the VM is not being moved (`not-moving`).
 */
export interface CancelMigrationOperation {
  /**
   * Call the move of a VM off. Until it is given away it goes on where it is, and nothing is left of the move (which ends as `cancelled`); after that the cancel is refused (`given-away`), and so it is when the VM is not being moved (`not-moving`).
   */
  readonly do: "cancel-migration";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Move all VMs of a host to others while they run, the important ones first. One that nobody admits stays. The figures tell who was moved, where, and how long each stood still.
 */
export interface EvacuateOperation {
  /**
   * Move all VMs of a host to others while they run, the important ones first. One that nobody admits stays. The figures tell who was moved, where, and how long each stood still.
   */
  readonly do: "evacuate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Hosts to which VMs may go. Each goes to the first one that admits it; they begin with the next one by turns.
   *
   * Items: A host.
   */
  readonly to: readonly string[];
  /**
   * VMs that are on their way at once.
   */
  readonly parallel?: number;
  /**
   * How each is moved, as in `migrate`.
   */
  readonly algorithm?: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of each move.
   */
  readonly maxMbps?: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs?: number;
}
/**
 * Power a VM on, on the host where it is registered.
 */
export interface PowerOnOperation {
  /**
   * Power a VM on, on the host where it is registered.
   */
  readonly do: "power-on";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Power a VM off at once, as if its plug were pulled.
 */
export interface PowerOffOperation {
  /**
   * Power a VM off at once, as if its plug were pulled.
   */
  readonly do: "power-off";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Stop a VM between two instructions; time goes on without it.
 */
export interface StunOperation {
  /**
   * Stop a VM between two instructions; time goes on without it.
   */
  readonly do: "stun";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Let a VM go on that `stun` stopped. Fails with `not-stunned` where it did not.
 */
export interface UnstunOperation {
  /**
   * Let a VM go on that `stun` stopped. Fails with `not-stunned` where it did not.
   */
  readonly do: "unstun";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Let a VM go on that its host has stopped at an integrity alert (`onAlert`). Fails with `not-paused` where it does not stand at one.
 */
export interface UnpauseOperation {
  /**
   * Let a VM go on that its host has stopped at an integrity alert (`onAlert`). Fails with `not-paused` where it does not stand at one.
   */
  readonly do: "unpause";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Power a VM off, if it is on, and on again on the named host.
 */
export interface RestartOperation {
  /**
   * Power a VM off, if it is on, and on again on the named host.
   */
  readonly do: "restart";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it starts.
   */
  readonly host: string;
}
/**
 * Power a VM on on another host although its end has not been seen there: once its disks can be had, because their owner gives them up or its lease has run out. What is left of the VM on its old host cannot write any more. Refused while the old host answers for the VM.
 */
export interface TakeOverOperation {
  /**
   * Power a VM on on another host although its end has not been seen there: once its disks can be had, because their owner gives them up or its lease has run out. What is left of the VM on its old host cannot write any more. Refused while the old host answers for the VM.
   */
  readonly do: "take-over";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs?: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it goes on.
   */
  readonly host: string;
}
/**
 * An I/O filter of a host does not answer: a request to release a disk goes to the next one.
 */
export interface FilterHangFault {
  /**
   * An I/O filter of a host does not answer: a request to release a disk goes to the next one.
   */
  readonly kind: "filter-hang";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Which of its filters, in the order in which they are asked.
   */
  readonly filter?: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A domain fails at once: memory, and volatile caches of its devices, are lost.
 */
export interface CrashFault {
  /**
   * A domain fails at once: memory, and volatile caches of its devices, are lost.
   */
  readonly kind: "crash";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * A host or an array.
   */
  readonly domain: string;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A domain, or all of a rack, loses power: memory and volatile caches are lost.
 */
export interface PowerLossFault {
  /**
   * A domain, or all of a rack, loses power: memory and volatile caches are lost.
   */
  readonly kind: "power-loss";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * A host, an array or a rack.
   */
  readonly domain: string;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A component is alive but slow (a gray failure).
 */
export interface SlowFault {
  /**
   * A component is alive but slow (a gray failure).
   */
  readonly kind: "slow";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * A host, an array, a link or a disk of a host (`host/disk`).
   */
  readonly component: string;
  /**
   * Every service time is multiplied by this.
   */
  readonly factor?: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A sensor's reading moves away from nominal, then the host fails.
 */
export interface DegradeFault {
  /**
   * A sensor's reading moves away from nominal, then the host fails.
   */
  readonly kind: "degrade";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Its sensor.
   */
  readonly sensor: string;
  /**
   * Reading that is reached at the end.
   */
  readonly reading: number;
  /**
   * Time in which the reading gets there.
   */
  readonly overMs?: number;
  /**
   * The host crashes when the reading is reached.
   */
  readonly thenCrash?: boolean;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A host's clock jumps.
 */
export interface ClockStepFault {
  /**
   * A host's clock jumps.
   */
  readonly kind: "clock-step";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * By how much, in microseconds; negative = back.
   */
  readonly stepUs: number;
}
/**
 * No message gets from one side to the other.
 */
export interface PartitionFault {
  /**
   * No message gets from one side to the other.
   */
  readonly kind: "partition";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * A host or an array.
   */
  readonly from: string;
  /**
   * A host or an array.
   */
  readonly to: string;
  /**
   * Messages from `to` to `from` still arrive.
   */
  readonly oneWay?: boolean;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A host loses one of its paths (links) to an array; others go on.
 */
export interface PathLossFault {
  /**
   * A host loses one of its paths (links) to an array; others go on.
   */
  readonly kind: "path-loss";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * The array.
   */
  readonly array: string;
  /**
   * Which of the links between them, in the order listed, from 0.
   */
  readonly path?: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * Writes are acknowledged and never reach the medium.
 */
export interface LostWriteFault {
  /**
   * Writes are acknowledged and never reach the medium.
   */
  readonly kind: "lost-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes lost.
   */
  readonly count?: number;
}
/**
 * Writes are acknowledged and only some sectors land.
 */
export interface TornWriteFault {
  /**
   * Writes are acknowledged and only some sectors land.
   */
  readonly kind: "torn-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes torn.
   */
  readonly count?: number;
}
/**
 * Writes land on other sectors.
 */
export interface MisdirectedWriteFault {
  /**
   * Writes land on other sectors.
   */
  readonly kind: "misdirected-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes misdirected.
   */
  readonly count?: number;
}
/**
 * Bits of written sectors flip.
 */
export interface BitRotFault {
  /**
   * Bits of written sectors flip.
   */
  readonly kind: "bit-rot";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Sectors that rot.
   */
  readonly count?: number;
}
/**
 * Flushes are acknowledged and do nothing.
 */
export interface LyingFlushFault {
  /**
   * Flushes are acknowledged and do nothing.
   */
  readonly kind: "lying-flush";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next flushes that lie.
   */
  readonly count?: number;
}
/**
 * Tasks of an array on copy-on-write volumes go wrong.
 */
export interface ArrayTaskFault {
  /**
   * Tasks of an array on copy-on-write volumes go wrong.
   */
  readonly kind: "array-task";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array of kind cow.
   */
  readonly array: string;
  /**
   * `lost` = carried out and forgotten; `late` = carried out, and never said to have ended; `item` = one disk of a list fails; `torn` = a copy or a revert stops half way.
   */
  readonly how?: "lost" | "late" | "item" | "torn";
  /**
   * Next tasks (or disks of lists) that are struck.
   */
  readonly count?: number;
}
/**
 * Written sectors cannot be read until rewritten.
 */
export interface LatentErrorFault {
  /**
   * Written sectors cannot be read until rewritten.
   */
  readonly kind: "latent-error";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Sectors hit.
   */
  readonly count?: number;
}
/**
 * Nothing more can be allocated on a device.
 */
export interface NoSpaceFault {
  /**
   * Nothing more can be allocated on a device.
   */
  readonly kind: "no-space";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs?: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability?: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A timeline operation ends in the named way.
 */
export interface ExpectOperation {
  /**
   * The id of a timeline entry.
   */
  readonly operation: string;
  /**
   * `complete`, or the code of the failure that is expected.
   */
  readonly outcome?: string;
  /**
   * Longest time from its start to its end; absent = any.
   */
  readonly withinMs?: number;
}
/**
 * A virtual machine is in the named state at the end.
 */
export interface ExpectVm {
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Its state.
   */
  readonly state?: "running" | "stunned" | "off";
  /**
   * The host that it is on; absent = any.
   */
  readonly host?: string;
  /**
   * Alerts of its integrity driver in the whole run; absent = any.
   */
  readonly alerts?: number;
}
/**
 * An invariant, or a state that the run should reach, came out in the named way.
 */
export interface ExpectInvariant {
  /**
   * Its name.
   */
  readonly invariant: string;
  /**
   * `holds`; `violated` = the run is expected to break it; `reached` (of a `sometimes`).
   */
  readonly outcome?: "holds" | "violated" | "reached";
}
/**
 * A metric of the run, over its whole length, lies between bounds.
 */
export interface ExpectMetric {
  /**
   * Its name, as `orrery run --json` prints it.
   */
  readonly metric: string;
  /**
   * Lower bound; absent = none.
   */
  readonly atLeast?: number;
  /**
   * Upper bound; absent = none.
   */
  readonly atMost?: number;
}


/**
 * A service time in microseconds: one number (always the same), or the median and 99th percentile of what was measured, from which each request draws.
 */
export type ResolvedLatencyUs =
  | number
  | {
      /**
       * Half of all requests take at most this, in microseconds.
       */
      readonly median: number;
      /**
       * 99 of 100 requests take at most this, in microseconds.
       */
      readonly p99: number;
    };
/**
 * What runs inside a virtual machine.
 */
export type ResolvedGuest = ResolvedWorkloadGuest | ResolvedCaptureGuest | ResolvedRv64Guest;
/**
 * An operation that starts at `atMs`, or `after` a phase of another one.
 */
export type ResolvedTimelineEntry =
  | ResolvedSnapshotOperation
  | ResolvedRevertOperation
  | ResolvedDeleteSnapshotOperation
  | ResolvedCloneOperation
  | ResolvedMigrateDiskFormatOperation
  | ResolvedCollectGarbageOperation
  | ResolvedConsolidateOperation
  | ResolvedAbortOperation
  | ResolvedBackupOperation
  | ResolvedRestoreOperation
  | ResolvedDiskCheckpointOperation
  | ResolvedCheckpointOperation
  | ResolvedSuspendOperation
  | ResolvedResumeOperation
  | ResolvedRestoreCheckpointOperation
  | ResolvedMergeCheckpointsOperation
  | ResolvedLinkedCloneOperation
  | ResolvedPromoteOperation
  | ResolvedGrowDiskOperation
  | ResolvedMigrateOperation
  | ResolvedCancelMigrationOperation
  | ResolvedEvacuateOperation
  | ResolvedPowerOnOperation
  | ResolvedPowerOffOperation
  | ResolvedStunOperation
  | ResolvedUnstunOperation
  | ResolvedUnpauseOperation
  | ResolvedRestartOperation
  | ResolvedTakeOverOperation;
/**
 * A fault that strikes `atMs`, `during` an operation's phase, or again and again.
 */
export type ResolvedFault =
  | ResolvedFilterHangFault
  | ResolvedCrashFault
  | ResolvedPowerLossFault
  | ResolvedSlowFault
  | ResolvedDegradeFault
  | ResolvedClockStepFault
  | ResolvedPartitionFault
  | ResolvedPathLossFault
  | ResolvedLostWriteFault
  | ResolvedTornWriteFault
  | ResolvedMisdirectedWriteFault
  | ResolvedBitRotFault
  | ResolvedLyingFlushFault
  | ResolvedArrayTaskFault
  | ResolvedLatentErrorFault
  | ResolvedNoSpaceFault;
/**
 * One expectation: of an operation, a VM, an invariant or a metric.
 */
export type ResolvedExpectation =
  ResolvedExpectOperation | ResolvedExpectVm | ResolvedExpectInvariant | ResolvedExpectMetric;

/**
 * A scenario: a datacenter, what happens in it, and what is expected of it.
 */
export interface ResolvedScenario {
  /**
   * Where this schema lies, for completion in an editor.
   */
  readonly $schema?: string;
  /**
   * Name of the scenario; traces and reports carry it.
   */
  readonly name: string;
  /**
   * What it shows, in a sentence or two.
   */
  readonly description: string;
  /**
   * Seed of every random draw. The command line can give another.
   */
  readonly seed: number;
  /**
   * Simulated time that the run takes.
   */
  readonly durationMs: number;
  /**
   * Physical machines.
   */
  readonly hosts: readonly ResolvedHost[];
  /**
   * Links between hosts and arrays.
   */
  readonly links: readonly ResolvedLink[];
  /**
   * Storage arrays.
   */
  readonly arrays: readonly ResolvedStorageArray[];
  /**
   * Virtual machines.
   */
  readonly vms: readonly ResolvedVm[];
  /**
   * Operations and when they start.
   */
  readonly timeline: readonly ResolvedTimelineEntry[];
  /**
   * Faults, fixed or left to the gate.
   */
  readonly faults: readonly ResolvedFault[];
  /**
   * What is expected of the run.
   */
  readonly expect: readonly ResolvedExpectation[];
  /**
   * Draws whose results are fixed, in place of chance: what a search has chosen.
   *
   * Items: A draw and its result.
   */
  readonly choices?: {
    /**
     * Name of the entity that draws.
     */
    readonly entity: string;
    /**
     * What it draws for.
     */
    readonly purpose: string;
    /**
     * Position in that stream, from 0.
     */
    readonly at: number;
    /**
     * What comes out.
     */
    readonly result: number;
  }[];
  /**
   * What `orrery explore` may add to the scenario. A run takes no notice of it.
   */
  readonly search?: {
    /**
     * Kinds of operation that it draws, and stories of these alone; all unless told.
     *
     * Items: A kind of operation.
     */
    readonly operations?: (
      | "snapshot"
      | "revert"
      | "delete-snapshot"
      | "clone"
      | "migrate-disk-format"
      | "collect-garbage"
      | "consolidate"
      | "abort"
      | "backup"
      | "restore"
      | "disk-checkpoint"
      | "checkpoint"
      | "suspend"
      | "resume"
      | "restore-checkpoint"
      | "merge-checkpoints"
      | "linked-clone"
      | "promote"
      | "grow-disk"
      | "migrate"
      | "cancel-migration"
      | "evacuate"
      | "power-on"
      | "power-off"
      | "stun"
      | "unstun"
      | "unpause"
      | "restart"
      | "take-over"
    )[];
    /**
     * Kinds of fault that it draws; unless told all but those that damage what was promised.
     *
     * Items: A kind of fault.
     */
    readonly faults?: (
      | "filter-hang"
      | "crash"
      | "power-loss"
      | "slow"
      | "degrade"
      | "clock-step"
      | "partition"
      | "path-loss"
      | "lost-write"
      | "torn-write"
      | "misdirected-write"
      | "bit-rot"
      | "lying-flush"
      | "array-task"
      | "latent-error"
      | "no-space"
    )[];
  };
}
/**
 * A physical machine; a failure domain of its own.
 */
export interface ResolvedHost {
  /**
   * Name of the host.
   */
  readonly id: string;
  /**
   * Rack whose power the host shares; a fault can name it as its domain.
   */
  readonly rack?: string;
  /**
   * Processor cores.
   */
  readonly cores: number;
  /**
   * Physical memory.
   */
  readonly memoryMiB: number;
  readonly clock: ResolvedClock;
  readonly scheduler: ResolvedScheduler;
  readonly pageCache: ResolvedPageCache;
  /**
   * Disks in the host.
   */
  readonly disks: readonly ResolvedHostDisk[];
  /**
   * Sensors.
   */
  readonly sensors: readonly ResolvedSensor[];
  readonly nic: ResolvedNic;
  readonly evacuation?: ResolvedEvacuation;
}
/**
 * The host's clock, which its software reads instead of true time.
 */
export interface ResolvedClock {
  /**
   * Clock minus true time at the start.
   */
  readonly offsetUs: number;
  /**
   * How fast the clock gains (or, negative, loses), in millionths.
   */
  readonly driftPpm: number;
  readonly ntp?: ResolvedNtp;
}
/**
 * NTP-like discipline: polls true time with an error and slews, or steps, the clock towards it.
 */
export interface ResolvedNtp {
  /**
   * Time between two polls.
   */
  readonly pollMs: number;
  /**
   * Largest error of one poll, either way.
   */
  readonly errorUs: number;
  /**
   * Fastest slew, in millionths of a second per second.
   */
  readonly maxSlewPpm: number;
  /**
   * Offsets beyond this are stepped instead of slewed.
   */
  readonly stepThresholdUs: number;
}
/**
 * The proportional-share processor scheduler.
 */
export interface ResolvedScheduler {
  /**
   * Longest time a vCPU runs before others get their turn.
   */
  readonly quantumUs: number;
}
/**
 * The host's page cache, used by virtual disks whose `cacheMode` is not `none`.
 */
export interface ResolvedPageCache {
  /**
   * Size of the cache; the least recently used page goes first.
   */
  readonly sizeMiB: number;
  /**
   * Age at which dirty pages are written back.
   */
  readonly writebackMs: number;
}
/**
 * A disk in the host: it loses power with the host.
 */
export interface ResolvedHostDisk {
  /**
   * Name of the disk, unique in its host; virtual disks name it as `host/disk`.
   */
  readonly id: string;
  /**
   * Capacity.
   */
  readonly sizeMiB: number;
  readonly readLatencyUs: ResolvedLatencyUs;
  readonly writeLatencyUs: ResolvedLatencyUs;
  /**
   * Extra time when a request does not follow the one before it.
   */
  readonly seekUs: number;
  /**
   * Transfer rate in 10^6 bytes a second.
   */
  readonly transferMBps: number;
  /**
   * Requests that the device works on at once; more wait.
   */
  readonly queueDepth: number;
  /**
   * Volatile write cache; 0 = off, every write durable at once.
   */
  readonly writeCacheMiB: number;
  readonly flushUs: ResolvedLatencyUs;
  readonly faultRates: ResolvedFaultRates;
}
/**
 * Chances of faults that strike by themselves, each drawn at the gate.
 */
export interface ResolvedFaultRates {
  /**
   * Writes that are acknowledged and never reach the medium.
   */
  readonly lostWritePerMillion: number;
  /**
   * Writes that land on another sector of the device.
   */
  readonly misdirectedWritePerMillion: number;
  /**
   * Flushes that are acknowledged and make nothing durable.
   */
  readonly lyingFlushPerMillion: number;
  /**
   * Written sectors that cannot be read until rewritten.
   */
  readonly latentErrorPerMillion: number;
  /**
   * Reads of a sector that find one of its bits flipped for good.
   */
  readonly bitRotPerMillion: number;
  /**
   * Unflushed writes of more than one sector that survive a power loss only in part.
   */
  readonly tornWritePerMillion: number;
}
/**
 * A sensor of the host. The fault `degrade` drives its reading away from nominal.
 */
export interface ResolvedSensor {
  /**
   * Name of the sensor, unique in its host, for instance `inletCelsius`.
   */
  readonly id: string;
  /**
   * Reading of a healthy host, in the sensor's unit.
   */
  readonly nominal: number;
  /**
   * Standard deviation of a single reading.
   */
  readonly noise: number;
  /**
   * Reading from which a warning is raised.
   */
  readonly warningAt?: number;
  /**
   * Reading from which the host is critical.
   */
  readonly criticalAt?: number;
  /**
   * Time between two readings.
   */
  readonly periodMs: number;
}
/**
 * The network interface: its rate is shared by all links of the host.
 */
export interface ResolvedNic {
  /**
   * Line rate in 10^6 bits a second, each way.
   */
  readonly bandwidthMbps: number;
}
/**
 * VMs are moved away as soon as a sensor of the host says so. Without it, or when that comes too late, they are restarted after the host has failed.
 */
export interface ResolvedEvacuation {
  /**
   * Level of any sensor at which it begins.
   */
  readonly at: "warning" | "critical";
  /**
   * Hosts to which VMs may go. Each goes to the first one that admits it; they begin with the next one by turns.
   *
   * Items: A host.
   */
  readonly to: readonly string[];
  /**
   * VMs that are on their way at once.
   */
  readonly parallel: number;
  /**
   * How each is moved, as in `migrate`.
   */
  readonly algorithm: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of each move.
   */
  readonly maxMbps: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs: number;
}
/**
 * A link between two hosts, or a host and an array. Both directions have the same figures.
 */
export interface ResolvedLink {
  /**
   * Name of the link; absent = the two ends, joined by `--`.
   */
  readonly id: string;
  /**
   * The two ends: ids of hosts or arrays.
   *
   * @minItems 2
   * @maxItems 2
   *
   * Items: A host or an array.
   */
  readonly between: readonly [string, string];
  /**
   * Rate of each direction, in 10^6 bits a second.
   */
  readonly bandwidthMbps: number;
  /**
   * Propagation time, one way.
   */
  readonly latencyUs: number;
  /**
   * Most that a message is delayed on top, drawn evenly.
   */
  readonly jitterUs: number;
  /**
   * Messages that are lost.
   */
  readonly lossPerMillion: number;
  /**
   * Messages that arrive twice.
   */
  readonly duplicatePerMillion: number;
  /**
   * Messages that later ones may overtake.
   */
  readonly reorderPerMillion: number;
  /**
   * Queue of each direction; what does not fit is dropped.
   */
  readonly queueKiB: number;
}
/**
 * A storage array: a failure domain of its own, reached over links; each link is a path.
 */
export interface ResolvedStorageArray {
  /**
   * Name of the array.
   */
  readonly id: string;
  /**
   * Rack whose power the array shares; a fault can name it as its domain.
   */
  readonly rack?: string;
  /**
   * How the array keeps snapshots: `redo` = chains of redo logs; `cow` = also copy-on-write volumes behind VASA verbs.
   */
  readonly kind: "redo" | "cow";
  /**
   * Copy-on-write volumes: unit in which the array copies and tells differences.
   */
  readonly chunkKiB: 64 | 128 | 256 | 512 | 1024 | 4096;
  /**
   * Space for virtual volumes; beyond it, writes fail with no space.
   */
  readonly capacityMiB: number;
  readonly ownership: ResolvedDiskOwnership;
  /**
   * The write cache survives a power loss (battery or flash).
   */
  readonly writeCacheProtected: boolean;
  readonly readLatencyUs: ResolvedLatencyUs;
  readonly writeLatencyUs: ResolvedLatencyUs;
  /**
   * Extra time when a request does not follow the one before it.
   */
  readonly seekUs: number;
  /**
   * Transfer rate in 10^6 bytes a second.
   */
  readonly transferMBps: number;
  /**
   * Requests that the array works on at once; more wait.
   */
  readonly queueDepth: number;
  /**
   * Write cache; 0 = off, every write durable before it is acknowledged.
   */
  readonly writeCacheMiB: number;
  readonly flushUs: ResolvedLatencyUs;
  readonly faultRates: ResolvedFaultRates;
}
/**
 * Ownership of virtual disks: one host at a time, in an epoch that rises with each change.
 */
export interface ResolvedDiskOwnership {
  /**
   * What the array holds each request against: `epoch` = the owner's name and the epoch in which it opened the disk; `owner-name` = the name alone, as was done before epochs (unsafe: a late request of an earlier time as the owner is taken).
   */
  readonly fencing: "epoch" | "owner-name";
  /**
   * How often a host that owns disks says that it is alive.
   */
  readonly heartbeatMs: number;
  /**
   * Silence after which an owner counts as dead. A VM that starts elsewhere after the death of its host waits for it: with the defaults about 0.6 s, what clocks may drift and the pause between two looks included.
   */
  readonly leaseMs: number;
  /**
   * How far a watcher reckons that clocks may run apart.
   */
  readonly maxDriftPpm: number;
}
/**
 * A virtual machine.
 */
export interface ResolvedVm {
  /**
   * Name of the virtual machine.
   */
  readonly id: string;
  /**
   * Host on which it is at the start.
   */
  readonly host: string;
  /**
   * Hosts on which it may be restarted when its host fails, best first; none = it stays down.
   *
   * Items: A host.
   */
  readonly restartOn: readonly string[];
  /**
   * Of several waiting to be restarted, the highest goes first.
   */
  readonly priority: number;
  /**
   * Powered on at the start.
   */
  readonly poweredOn: boolean;
  /**
   * Memory that the guest sees.
   */
  readonly memoryMiB: number;
  /**
   * Virtual processors.
   */
  readonly vcpus: number;
  /**
   * Weight in the processor scheduler, for each virtual processor.
   */
  readonly shares: number;
  readonly protection?: ResolvedProtection;
  readonly onAlert?: ResolvedAlertPolicy;
  readonly guest: ResolvedGuest;
  /**
   * Virtual disks.
   */
  readonly disks: readonly ResolvedVmDisk[];
}
/**
 * Fault tolerance: a copy on another host takes the same steps, and goes on when this one is lost. Its disks are on arrays that keep what they acknowledged.
 */
export interface ResolvedProtection {
  /**
   * `log-replay` = the copy follows the log of what the guest receives.
   */
  readonly kind: "log-replay";
  /**
   * Host of the copy.
   */
  readonly host: string;
  /**
   * How often either side says that it is there.
   */
  readonly heartbeatMs: number;
  /**
   * Silence after which the other side is suspected.
   */
  readonly timeoutMs: number;
  /**
   * The VM waits when its copy is further behind.
   */
  readonly maxLagMs: number;
}
/**
 * What its host does when the integrity driver in the guest has something to be told of, beside telling.
 */
export interface ResolvedAlertPolicy {
  /**
   * `log` = nothing more; `pause` = the VM stands still at the violating write, with nothing behind it done, until an `unpause` operation; `snapshot` = it stands still there until a checkpoint of its memory, and of its disks if they are redo logs, has its instant, and goes on. Of the VM `db` they are the operations `db-alert-1`, `db-alert-2` and so on.
   */
  readonly do: "log" | "pause" | "snapshot";
  /**
   * Of `snapshot`: the array that keeps the checkpoints; the VM's host needs a link to it.
   */
  readonly on?: string;
  /**
   * Of `snapshot`: so many checkpoints; later alerts are told and no more.
   */
  readonly atMost: number;
}
/**
 * A modelled workload: phases of processor, memory, block and network use.
 */
export interface ResolvedWorkloadGuest {
  /**
   * A modelled workload: phases of processor, memory, block and network use.
   */
  readonly kind: "workload";
  /**
   * Time from power-on until the guest reports `postboot`.
   */
  readonly bootMs: number;
  /**
   * After the last phase the first one starts again.
   */
  readonly repeat: boolean;
  /**
   * Phases, one after the other.
   */
  readonly phases: readonly ResolvedWorkloadPhase[];
  readonly integrity?: ResolvedIntegrityDriver;
}
/**
 * One phase of a workload.
 */
export interface ResolvedWorkloadPhase {
  /**
   * Name of the phase, unique in its guest.
   */
  readonly name: string;
  /**
   * Length of the phase, in the guest's running time.
   */
  readonly durationMs: number;
  /**
   * Threads that compute.
   */
  readonly threads: number;
  readonly cpu: ResolvedWorkloadCpu;
  readonly memory?: ResolvedWorkloadMemory;
  /**
   * Block requests.
   */
  readonly block: readonly (ResolvedClosedBlock | ResolvedOpenBlock)[];
  /**
   * Network traffic.
   */
  readonly network: readonly ResolvedWorkloadNetwork[];
  /**
   * Events that the application reports.
   */
  readonly events: readonly ResolvedPhaseEvent[];
}
/**
 * Processor use.
 */
export interface ResolvedWorkloadCpu {
  /**
   * Share of its time that each thread computes.
   */
  readonly busyPercent: number;
}
/**
 * Memory use, in 4 KiB pages.
 */
export interface ResolvedWorkloadMemory {
  /**
   * Memory that is touched; at most the VM's.
   */
  readonly workingSetMiB: number;
  /**
   * Page reads a second, all threads together.
   */
  readonly readsPerSecond: number;
  /**
   * Page writes a second, all threads together.
   */
  readonly writesPerSecond: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution: "uniform" | "zipf" | "sequential";
  /**
   * Share of the memory's pages that the guest's page table scatters; the others lie in order.
   */
  readonly fragmentationPercent: number;
  /**
   * Further working sets, each in pages of its own behind those before it. Few programs write all their memory alike: a small set is written all the time, a large one now and then.
   */
  readonly furtherSets?: readonly ResolvedWorkloadWorkingSet[];
}
/**
 * Memory that is touched in one way, apart from other memory.
 */
export interface ResolvedWorkloadWorkingSet {
  /**
   * Memory that is touched; at most the VM's.
   */
  readonly workingSetMiB: number;
  /**
   * Page reads a second, all threads together.
   */
  readonly readsPerSecond: number;
  /**
   * Page writes a second, all threads together.
   */
  readonly writesPerSecond: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution: "uniform" | "zipf" | "sequential";
}
/**
 * Block requests, closed: each stream sends its next request when the one before is answered.
 */
export interface ResolvedClosedBlock {
  /**
   * The next request waits for an answer.
   */
  readonly pacing: "closed";
  /**
   * The VM's disk that is used.
   */
  readonly disk: string;
  /**
   * Share of requests that read; the others write.
   */
  readonly readPercent: number;
  /**
   * Size of a request.
   */
  readonly sizeKiB: number;
  /**
   * Use only the first part of the disk; absent = all of it.
   */
  readonly regionMiB?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution: "uniform" | "zipf" | "sequential";
  /**
   * A flush after this many writes; 0 = never.
   */
  readonly flushEvery: number;
  /**
   * Requests under way at once.
   */
  readonly outstanding: number;
  /**
   * Pause of a stream between an answer and its next request.
   */
  readonly thinkTimeUs: number;
}
/**
 * Block requests, open: they arrive as a Poisson process, whether others were answered or not.
 */
export interface ResolvedOpenBlock {
  /**
   * Requests do not wait for answers.
   */
  readonly pacing: "open";
  /**
   * The VM's disk that is used.
   */
  readonly disk: string;
  /**
   * Share of requests that read; the others write.
   */
  readonly readPercent: number;
  /**
   * Size of a request.
   */
  readonly sizeKiB: number;
  /**
   * Use only the first part of the disk; absent = all of it.
   */
  readonly regionMiB?: number;
  /**
   * Which places are used: all alike, few of them most (zipf, exponent 1), or one after the other.
   */
  readonly distribution: "uniform" | "zipf" | "sequential";
  /**
   * A flush after this many writes; 0 = never.
   */
  readonly flushEvery: number;
  /**
   * Mean arrival rate.
   */
  readonly requestsPerSecond: number;
}
/**
 * Messages to another VM.
 */
export interface ResolvedWorkloadNetwork {
  /**
   * The VM that receives.
   */
  readonly to: string;
  /**
   * Mean rate.
   */
  readonly messagesPerSecond: number;
  /**
   * Size of a message.
   */
  readonly sizeBytes: number;
  /**
   * `datagram` = may be lost; `stream` = sent again until it arrives, in order.
   */
  readonly transport: "datagram" | "stream";
}
/**
 * An event that the application reports.
 */
export interface ResolvedPhaseEvent {
  /**
   * Name of the event.
   */
  readonly name: string;
  /**
   * When, counted from the start of the phase.
   */
  readonly atMs: number;
}
/**
 * A driver in the guest that has its hypervisor watch pages (US 11,379,385). From its one entry point it enters integrity mode and updates its data; all other writes to what it protects, to its code and to its data raise alerts.
 */
export interface ResolvedIntegrityDriver {
  /**
   * Where its code and, behind it, its data begin; absent = 8 MiB below the end of memory.
   */
  readonly atMiB?: number;
  /**
   * Pages of its code.
   */
  readonly codePages: number;
  /**
   * Pages of its data.
   */
  readonly dataPages: number;
  /**
   * Pages that it protects.
   */
  readonly protect: readonly ResolvedProtectedRange[];
  /**
   * Pause between updates of its data; 0 = none.
   */
  readonly updateEveryMs: number;
  /**
   * How long an update takes, in integrity mode.
   */
  readonly updateUs: number;
  /**
   * One of so many updates is interrupted in the middle; 0 = none.
   */
  readonly interruptEvery: number;
  /**
   * How long an interrupt takes.
   */
  readonly interruptUs: number;
  /**
   * Who tampers with what it protects.
   */
  readonly attacks: readonly ResolvedIntegrityAttack[];
}
/**
 * Pages of 4 KiB that the driver protects: writes to them raise alerts.
 */
export interface ResolvedProtectedRange {
  /**
   * Where they begin in the guest's memory.
   */
  readonly atMiB: number;
  /**
   * How many.
   */
  readonly pages: number;
}
/**
 * Something that tampers with what the driver protects.
 */
export interface ResolvedIntegrityAttack {
  /**
   * When, counted from the start of the application.
   */
  readonly atMs: number;
  /**
   * `at-once`; `in-update` = in the driver's next update, from another vCPU if there is one; `in-interrupt` = while its next interrupted update is interrupted, on the same vCPU.
   */
  readonly when: "at-once" | "in-update" | "in-interrupt";
  /**
   * Who writes: the `kernel` (any code that is not the driver), a `device` (DMA), the `driver` in integrity mode; or the kernel after a `forged-entry` (a jump past the driver's check) or after it asked to `unprotect` the pages.
   */
  readonly by: "kernel" | "device" | "driver" | "forged-entry" | "unprotect";
  /**
   * What is written: the first `protected` pages, the driver's `code` or its `data`.
   */
  readonly on: "protected" | "code" | "data";
  /**
   * How many pages are written, one after the other.
   */
  readonly pages: number;
}
/**
 * A captured block trace, played back.
 */
export interface ResolvedCaptureGuest {
  /**
   * A captured block trace, played back.
   */
  readonly kind: "capture";
  /**
   * Time from power-on until the guest reports `postboot`.
   */
  readonly bootMs: number;
  /**
   * The captured trace: a path from the document's folder, else from Orrery's own.
   */
  readonly file: string;
  /**
   * Format of the file; absent = told from its first lines.
   */
  readonly format?: "vscsi" | "blkparse" | "fio-iolog" | "msr" | "nbdkit-log";
  /**
   * The VM's disk that the requests go to; absent = its first.
   */
  readonly disk: string;
  /**
   * `closed` = at most the recorded number of requests under way, think times kept; `open` = at the recorded times.
   */
  readonly pacing: "closed" | "open";
  /**
   * Recorded times are multiplied by this.
   */
  readonly timeScale: number;
  /**
   * Play only the first requests; absent = all.
   */
  readonly limit?: number;
  /**
   * A flush after this many writes. Needed when the file records no flushes; 0 = never.
   */
  readonly flushEvery?: number;
  /**
   * A sector beyond the disk is taken modulo its size instead of refused.
   */
  readonly wrap: boolean;
}
/**
 * A real RISC-V machine (RV64GC) that runs a program or a Linux kernel.
 */
export interface ResolvedRv64Guest {
  /**
   * A real RISC-V machine (RV64GC) that runs a program or a Linux kernel.
   */
  readonly kind: "rv64";
  /**
   * An ELF file or a Linux `Image`: a path from the document's folder, else from Orrery's own.
   */
  readonly file: string;
  /**
   * Initial RAM disk of a Linux kernel, found in the same way.
   */
  readonly initrd?: string;
  /**
   * Command line of a Linux kernel.
   */
  readonly commandLine: string;
  /**
   * Up to 64 bytes in hexadecimal from which a Linux kernel's random numbers start.
   */
  readonly rngSeed?: string;
  /**
   * An ELF starts in supervisor mode with SBI below it, instead of in machine mode.
   */
  readonly firmware: boolean;
  /**
   * Instructions of all harts in a second.
   */
  readonly instructionsPerSecond: number;
  /**
   * Instructions that a hart executes before the next one's turn.
   */
  readonly quantum: number;
  /**
   * A virtio source of randomness.
   */
  readonly rng: boolean;
  /**
   * A virtio console beside the serial one.
   */
  readonly virtioConsole: boolean;
  /**
   * Network interfaces, the first one first.
   */
  readonly network: readonly ResolvedRv64Nic[];
  /**
   * What is typed into its console, one after the other.
   */
  readonly typed: readonly ResolvedRv64Typing[];
}
/**
 * A network interface, connected with one of another VM whose guest is rv64 as well.
 */
export interface ResolvedRv64Nic {
  /**
   * The VM at the other end; it has an interface that names this one.
   */
  readonly to: string;
  /**
   * MAC address; absent = one that is unique in the document.
   */
  readonly mac?: string;
}
/**
 * Something typed into the serial console.
 */
export interface ResolvedRv64Typing {
  /**
   * Typed once the console has shown this since the last was typed; absent = at once.
   */
  readonly waitFor?: string;
  /**
   * Time that passes before it is typed.
   */
  readonly delayMs: number;
  /**
   * What is typed; a new line is the Enter key.
   */
  readonly text: string;
}
/**
 * A virtual disk.
 */
export interface ResolvedVmDisk {
  /**
   * Name of the disk, unique in its VM; elsewhere it is `vm:disk`.
   */
  readonly id: string;
  /**
   * Where it lies: an array (`array`; all disks of a VM on arrays are on the same one) or a disk of the VM's host (`host/disk`), all of it.
   */
  readonly on: string;
  /**
   * Size that the guest sees.
   */
  readonly sizeMiB: number;
  /**
   * What it holds at the start: an image file (qcow2, VMDK, or raw named `.raw` or `.img`), from the document's folder. A chain of files, or snapshots inside one, become redo logs and points in time of a disk of kind `redo`.
   */
  readonly image?: string;
  /**
   * `redo` = a chain of redo logs, can be snapshotted; `cow` = a copy-on-write volume of an array of that kind, snapshotted by the array; `flat` = one raw volume, or a host's disk, cannot; `network` = a volume that the guest itself mounts over its network.
   */
  readonly kind: "redo" | "cow" | "flat" | "network";
  /**
   * Unit in which a redo log copies on write.
   */
  readonly grainKiB: 4 | 8 | 16 | 32 | 64 | 128 | 256 | 512 | 1024;
  /**
   * Use of the host's page cache. With `writeback` a write is acknowledged before it is anywhere but in the host's memory.
   */
  readonly cacheMode: "none" | "writethrough" | "writeback";
}
/**
 * Take a snapshot of a VM's disks while it runs.
 */
export interface ResolvedSnapshotOperation {
  /**
   * Take a snapshot of a VM's disks while it runs.
   */
  readonly do: "snapshot";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The disks; absent = all that can be snapshotted.
   *
   * Items: A disk of the VM.
   */
  readonly disks: readonly string[];
}
/**
 * Put the disks of a VM back to a point in time. Copy-on-write disks are reverted by the array, guarded by a safety snapshot; on redo logs a new one is put on the point. A VM that is on is refused, or restarted.
 */
export interface ResolvedRevertOperation {
  /**
   * Put the disks of a VM back to a point in time. Copy-on-write disks are reverted by the array, guarded by a safety snapshot; on redo logs a new one is put on the point. A VM that is on is refused, or restarted.
   */
  readonly do: "revert";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took the point in time.
   */
  readonly point: string;
  /**
   * A VM that is on is stunned, its disks are reverted, and it boots from them: its guest cannot go on when they change under it. A revert that fails lets it go on.
   */
  readonly restart: boolean;
}
/**
 * Give up a point in time. With copy-on-write disks no data moves, and the VM may be on or off; on redo logs this is `consolidate` with a mirror.
 */
export interface ResolvedDeleteSnapshotOperation {
  /**
   * Give up a point in time. With copy-on-write disks no data moves, and the VM may be on or off; on redo logs this is `consolidate` with a mirror.
   */
  readonly do: "delete-snapshot";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took the point in time.
   */
  readonly point: string;
}
/**
 * Copy a VM's disks with all their points in time, from the differences between them, to disks of another name on the same array. With `point` the copy ends at that point in time. Of a VM that is on, and without `point`, it is of the moment: a point in time is taken for it and given up again.
 */
export interface ResolvedCloneOperation {
  /**
   * Copy a VM's disks with all their points in time, from the differences between them, to disks of another name on the same array. With `point` the copy ends at that point in time. Of a VM that is on, and without `point`, it is of the moment: a point in time is taken for it and given up again.
   */
  readonly do: "clone";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Name of the copy: what a VM of that name would find as its disks.
   */
  readonly as: string;
  /**
   * The snapshot operation up to which is copied; absent = all, and what runs.
   */
  readonly point?: string;
  /**
   * `cow` = copy-on-write volumes, on an array that has them; `redo` = redo logs.
   */
  readonly format: "cow" | "redo";
}
/**
 * Make copy-on-write disks of redo logs, or the other way round, with all points in time. Of a VM that is on the guest's writes go to both while what runs is copied, and it is stunned shortly for the switch.
 */
export interface ResolvedMigrateDiskFormatOperation {
  /**
   * Make copy-on-write disks of redo logs, or the other way round, with all points in time. Of a VM that is on the guest's writes go to both while what runs is copied, and it is stunned shortly for the switch.
   */
  readonly do: "migrate-disk-format";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * What the disks become.
   */
  readonly to: "cow" | "redo";
  /**
   * Of a VM that is on: how much is locked and copied at a time.
   */
  readonly copyKiB: number;
}
/**
 * Let an array go of copy-on-write volumes and descriptors that nothing leads to. What belongs to an operation that has begun stays.
 */
export interface ResolvedCollectGarbageOperation {
  /**
   * Let an array go of copy-on-write volumes and descriptors that nothing leads to. What belongs to an operation that has begun stays.
   */
  readonly do: "collect-garbage";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The array.
   */
  readonly array: string;
  /**
   * Host that does the work.
   */
  readonly host: string;
}
/**
 * Give up a point in time: the layer above goes into its own, or, of a VM that is off or of a branch that the VM does not run on, both into a new one. Without `point`: the lowest layer that no point in time is kept on, as an aborted one leaves it.
 */
export interface ResolvedConsolidateOperation {
  /**
   * Give up a point in time: the layer above goes into its own, or, of a VM that is off or of a branch that the VM does not run on, both into a new one. Without `point`: the lowest layer that no point in time is kept on, as an aborted one leaves it.
   */
  readonly do: "consolidate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took it, or the backup that left it.
   */
  readonly point?: string;
  /**
   * `mirror` = one pass, with the guest's writes going to both; `iterative` = rounds with helper deltas; `block-merge` = by metadata, with the guest stunned. Not looked at where no guest writes.
   */
  readonly method: "mirror" | "iterative" | "block-merge";
  /**
   * How much is locked and copied at a time.
   */
  readonly copyKiB: number;
  /**
   * Iterative: rounds after which the rest is copied in a stun.
   */
  readonly maxRounds: number;
  /**
   * Iterative: what is left that is copied in a stun at once.
   */
  readonly enoughKiB: number;
}
/**
 * Ask a consolidation, promotion or backup to stop; what is done already stays.
 */
export interface ResolvedAbortOperation {
  /**
   * Ask a consolidation, promotion or backup to stop; what is done already stays.
   */
  readonly do: "abort";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The operation.
   */
  readonly operation: string;
}
/**
 * Copy a running VM to another array, from a snapshot that is consolidated afterwards; on copy-on-write disks that of the newest backup stays, under the backup's id.
 */
export interface ResolvedBackupOperation {
  /**
   * Copy a running VM to another array, from a snapshot that is consolidated afterwards; on copy-on-write disks that of the newest backup stays, under the backup's id.
   */
  readonly do: "backup";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the backup; the VM's host needs a link to it.
   */
  readonly to: string;
  /**
   * `incremental` = only what changed since the VM's last backup, where that is known: by sector in the same run, by regions of 256 KiB after a crash, not after a restore; on copy-on-write disks by chunks of the array.
   */
  readonly mode: "full" | "incremental";
  /**
   * How much is copied at a time.
   */
  readonly copyKiB: number;
}
/**
 * Put the disks of a VM that is off back to what a backup holds: redo chains, or copy-on-write disks, which get new volumes. Points in time stay.
 */
export interface ResolvedRestoreOperation {
  /**
   * Put the disks of a VM that is off back to what a backup holds: redo chains, or copy-on-write disks, which get new volumes. Points in time stay.
   */
  readonly do: "restore";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The backup operation.
   */
  readonly backup: string;
  /**
   * The array that keeps the backup.
   */
  readonly from: string;
  /**
   * How much is copied at a time.
   */
  readonly copyKiB: number;
}
/**
 * Checkpoint the disks of a running VM: freeze the layer it writes to above its raw disk, copy that to another array, and commit what was written meanwhile. `restore` brings it back.
 */
export interface ResolvedDiskCheckpointOperation {
  /**
   * Checkpoint the disks of a running VM: freeze the layer it writes to above its raw disk, copy that to another array, and commit what was written meanwhile. `restore` brings it back.
   */
  readonly do: "disk-checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the copy; the VM's host needs a link to it.
   */
  readonly to: string;
  /**
   * How the new layer goes into the frozen one: `mirror` = while the guest runs; `metadata` = in the array's map alone, nothing is copied; `pause` = while the guest waits, the older way.
   */
  readonly commit: "mirror" | "metadata" | "pause";
  /**
   * How much is copied at a time.
   */
  readonly copyKiB: number;
}
/**
 * Save memory and devices of a running VM, all of one instant. `restore-checkpoint` brings it back. Pages that a restore has not brought yet stay in its file, on which the new one then stands.
 */
export interface ResolvedCheckpointOperation {
  /**
   * Save memory and devices of a running VM, all of one instant. `restore-checkpoint` brings it back. Pages that a restore has not brought yet stay in its file, on which the new one then stands.
   */
  readonly do: "checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * How pages stay as they were while the guest goes on: `lazy` = the block of a page is saved before its first write; `copy-aside` = the page is copied to a side buffer; `redirect` = the write goes to another page, merged later; `stop-and-copy` = the guest stands still, the older way.
   */
  readonly method: "lazy" | "copy-aside" | "redirect" | "stop-and-copy";
  /**
   * Also take a point in time of its disks at the same instant.
   */
  readonly withDisks: boolean;
  /**
   * Keep older checkpoints of the VM.
   */
  readonly keepOlder: boolean;
  /**
   * Save only pages written since this checkpoint operation, or since the `last` one, and stand on it: it stays as long as it is needed. What is written is noted from the first checkpoint with a base on, on one host, while the VM runs; where it is not known, all is saved.
   */
  readonly base?: string;
  /**
   * So many stand on each other at most; the next one saves all.
   */
  readonly longestChain: number;
  /**
   * Size of a block of memory, which is saved at once.
   */
  readonly blockKiB: number;
  /**
   * Blocks that are written together, as one storage block.
   */
  readonly groupBlocks: number;
  /**
   * Blocks that may be copied and not written yet.
   */
  readonly stagingBlocks: number;
  /**
   * Room for pages that are copied aside, or redirected.
   */
  readonly sideMiB: number;
}
/**
 * Save memory and devices of a running VM and switch it off; `resume` goes on with it. Pages that a restore has not brought yet stay in its file.
 */
export interface ResolvedSuspendOperation {
  /**
   * Save memory and devices of a running VM and switch it off; `resume` goes on with it. Pages that a restore has not brought yet stay in its file.
   */
  readonly do: "suspend";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * How it is found out which pages the VM uses, so that `resume` can load those first. It runs on meanwhile, and is saved in the background: `traced` = the first access to each page faults; `access-bits` = the processor's bits are looked at; `none` = nobody looks, and the VM stands still while it is saved, the older way.
   */
  readonly workingSet: "traced" | "access-bits" | "none";
  /**
   * For so long at least it is looked which pages are used.
   */
  readonly traceMs: number;
  /**
   * Size of a block of memory, which is saved at once.
   */
  readonly blockKiB: number;
  /**
   * Blocks that are written together, as one storage block.
   */
  readonly groupBlocks: number;
  /**
   * Blocks that may be copied and not written yet.
   */
  readonly stagingBlocks: number;
  /**
   * Room for pages that are copied aside, or redirected.
   */
  readonly sideMiB: number;
}
/**
 * Go on with a suspended VM. Refused as `spent` where it was started or reverted since, or has been resumed before: its disks are others by then.
 */
export interface ResolvedResumeOperation {
  /**
   * Go on with a suspended VM. Refused as `spent` where it was started or reverted since, or has been resumed before: its disks are others by then.
   */
  readonly do: "resume";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM, which is off.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * Where it goes on. Default: where it was.
   */
  readonly host?: string;
  /**
   * `lazy` = it goes on at once, and what is not there yet is read when it is touched; `working-set` = the pages that it used when it was suspended are read before, the rest as with `lazy`; `deferred` = as `lazy`, but it is known of each page before whether it is zeros or one word again and again, and such a page is made when it is touched; `eager` = all is read before, the older way.
   */
  readonly method: "lazy" | "working-set" | "deferred" | "eager";
  /**
   * What is read with a page that the VM waits for: pages behind the `virtual` neighbours of its address, by the guest's own page table, or `physical` neighbours, the older way.
   */
  readonly prefetch: "none" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages: number;
  /**
   * Storage blocks that are read at once in the background.
   */
  readonly readsAtOnce: number;
}
/**
 * Go on with a VM that is off from one of its checkpoints, its disks included. Refused as `disks-not-saved` where a disk of the VM has no point in time of that instant (`withDisks`).
 */
export interface ResolvedRestoreCheckpointOperation {
  /**
   * Go on with a VM that is off from one of its checkpoints, its disks included. Refused as `disks-not-saved` where a disk of the VM has no point in time of that instant (`withDisks`).
   */
  readonly do: "restore-checkpoint";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM, which is off.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * Where it goes on. Default: where it was.
   */
  readonly host?: string;
  /**
   * `lazy` = it goes on at once, and what is not there yet is read when it is touched; `working-set` = the pages that it used when it was suspended are read before, the rest as with `lazy`; `deferred` = as `lazy`, but it is known of each page before whether it is zeros or one word again and again, and such a page is made when it is touched; `eager` = all is read before, the older way.
   */
  readonly method: "lazy" | "working-set" | "deferred" | "eager";
  /**
   * What is read with a page that the VM waits for: pages behind the `virtual` neighbours of its address, by the guest's own page table, or `physical` neighbours, the older way.
   */
  readonly prefetch: "none" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages: number;
  /**
   * Storage blocks that are read at once in the background.
   */
  readonly readsAtOnce: number;
  /**
   * The checkpoint operation. Default: the last one.
   */
  readonly checkpoint?: string;
}
/**
 * Make one file of an incremental checkpoint and all that it stands on, while the VM runs: its host reads and writes them, and what nothing stands on any more goes. Until the one file counts, the chain is the checkpoint, and others may be made on it.
 */
export interface ResolvedMergeCheckpointsOperation {
  /**
   * Make one file of an incremental checkpoint and all that it stands on, while the VM runs: its host reads and writes them, and what nothing stands on any more goes. Until the one file counts, the chain is the checkpoint, and others may be made on it.
   */
  readonly do: "merge-checkpoints";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM, which runs.
   */
  readonly vm: string;
  /**
   * The array that keeps the VM's checkpoints; its host needs a link to it.
   */
  readonly on: string;
  /**
   * The checkpoint operation. Default: the last one.
   */
  readonly checkpoint?: string;
  /**
   * Keep those that it stood on as checkpoints of their own.
   */
  readonly keepOlder: boolean;
}
/**
 * Put the disks of a VM that is off on a point in time of another VM; nothing is copied. On redo logs the point in time stays as long as the clone stands on it; copy-on-write disks share chunks, which the array keeps as long as a clone needs them, and the point may be given up.
 */
export interface ResolvedLinkedCloneOperation {
  /**
   * Put the disks of a VM that is off on a point in time of another VM; nothing is copied. On redo logs the point in time stays as long as the clone stands on it; copy-on-write disks share chunks, which the array keeps as long as a clone needs them, and the point may be given up.
   */
  readonly do: "linked-clone";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM that keeps the point in time.
   */
  readonly vm: string;
  /**
   * The snapshot operation that took it. Absent: one is taken of the running VM, under the name of this operation; on redo logs it stays, of copy-on-write disks it is given up again.
   */
  readonly point?: string;
  /**
   * The VM whose disks of the same names are replaced.
   */
  readonly clone: string;
}
/**
 * Make a linked clone a full one while it runs: its disks get a base of their own. Of copy-on-write disks the array copies up what is still shared, also while the VM is off, and points in time stay; `snapshots` and `copyKiB` then say nothing.
 */
export interface ResolvedPromoteOperation {
  /**
   * Make a linked clone a full one while it runs: its disks get a base of their own. Of copy-on-write disks the array copies up what is still shared, also while the VM is off, and points in time stay; `snapshots` and `copyKiB` then say nothing.
   */
  readonly do: "promote";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The clone.
   */
  readonly vm: string;
  /**
   * What to do when the clone has points in time of its own.
   */
  readonly snapshots: "refuse" | "carry";
  /**
   * How much is locked and copied at a time.
   */
  readonly copyKiB: number;
}
/**
 * Make a disk of a running VM larger: its volumes, its descriptor, and the disk that the guest sees: flat, copy-on-write, with redo logs, or mounted by the guest. Points in time keep their size. A real machine keeps the size that it was booted with, and is refused.
 */
export interface ResolvedGrowDiskOperation {
  /**
   * Make a disk of a running VM larger: its volumes, its descriptor, and the disk that the guest sees: flat, copy-on-write, with redo logs, or mounted by the guest. Points in time keep their size. A real machine keeps the size that it was booted with, and is refused.
   */
  readonly do: "grow-disk";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Its disk, on an array.
   */
  readonly disk: string;
  /**
   * Size that the guest sees afterwards.
   */
  readonly toMiB: number;
}
/**
 * Move a running VM to another host while it runs. Disks on arrays stay where they are, and both hosts reach them; disks on a medium of its host go to free media of the other one (else the move is refused: `no-disk`, `no-space`). These and the memory go over the link between the two; pages that a restore has not brought yet do not, and are read at the destination.
 */
export interface ResolvedMigrateOperation {
  /**
   * Move a running VM to another host while it runs. Disks on arrays stay where they are, and both hosts reach them; disks on a medium of its host go to free media of the other one (else the move is refused: `no-disk`, `no-space`). These and the memory go over the link between the two; pages that a restore has not brought yet do not, and are read at the destination.
   */
  readonly do: "migrate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it goes on.
   */
  readonly to: string;
  /**
   * `pre-copy` = rounds whose rate follows what was dirtied, then a short stop; `fixed-rate` = rounds at `maxMbps`; `stop-and-copy` = everything while the VM stands still; `post-copy` = the VM goes on at once, and its pages follow: those that it needs first, the others in order at `maxMbps`. When either host is lost before all are there, the VM is lost and restarted; while the link is cut, it stands still when it needs a page.
   */
  readonly algorithm: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of the first round.
   */
  readonly minMbps: number;
  /**
   * Rate of the last round; a round that would have to be faster is not begun.
   */
  readonly maxMbps: number;
  /**
   * Rate at which the rest is sent while the VM stands still; absent = `maxMbps`.
   */
  readonly lastMbps?: number;
  /**
   * How much faster than pages were dirtied the next round is.
   */
  readonly stepMbps: number;
  /**
   * With less than this left the VM is stopped.
   */
  readonly stopBelowKiB: number;
  /**
   * Rounds after which it is stopped in any case.
   */
  readonly maxRounds: number;
  /**
   * What bringing the VM to a standstill takes by itself.
   */
  readonly stopMs: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs: number;
  /**
   * Post-copy: a VM that waits so long for a page, without a word of the host it left, is given up and restarted.
   */
  readonly patienceMs: number;
  /**
   * Post-copy: what comes with a page that the VM waits for: the `group` of 8 pages in which it lies; pages behind the `virtual` neighbours of its address, by the guest's own page table; its `physical` neighbours.
   */
  readonly prefetch: "group" | "virtual" | "physical";
  /**
   * Neighbours on each side.
   */
  readonly prefetchPages: number;
  /**
   * Entries of the second-stage tables on which traces are set at first.
   */
  readonly granularity: "4KiB" | "2MiB" | "1GiB";
  /**
   * `one` = one vCPU sets traces while the others run on; `all` = all of them stop for it.
   */
  readonly tracedBy: "one" | "all";
}
/**
 * Call the move of a VM off. Until it is given away it goes on where it is, and nothing is left of the move (which ends as `cancelled`); after that the cancel is refused (`given-away`), and so it is when the VM is not being moved (`not-moving`).
 */
export interface ResolvedCancelMigrationOperation {
  /**
   * Call the move of a VM off. Until it is given away it goes on where it is, and nothing is left of the move (which ends as `cancelled`); after that the cancel is refused (`given-away`), and so it is when the VM is not being moved (`not-moving`).
   */
  readonly do: "cancel-migration";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Move all VMs of a host to others while they run, the important ones first. One that nobody admits stays. The figures tell who was moved, where, and how long each stood still.
 */
export interface ResolvedEvacuateOperation {
  /**
   * Move all VMs of a host to others while they run, the important ones first. One that nobody admits stays. The figures tell who was moved, where, and how long each stood still.
   */
  readonly do: "evacuate";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Hosts to which VMs may go. Each goes to the first one that admits it; they begin with the next one by turns.
   *
   * Items: A host.
   */
  readonly to: readonly string[];
  /**
   * VMs that are on their way at once.
   */
  readonly parallel: number;
  /**
   * How each is moved, as in `migrate`.
   */
  readonly algorithm: "pre-copy" | "fixed-rate" | "stop-and-copy" | "post-copy";
  /**
   * Rate of each move.
   */
  readonly maxMbps: number;
  /**
   * What starting at the destination takes by itself.
   */
  readonly startUpMs: number;
}
/**
 * Power a VM on, on the host where it is registered.
 */
export interface ResolvedPowerOnOperation {
  /**
   * Power a VM on, on the host where it is registered.
   */
  readonly do: "power-on";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Power a VM off at once, as if its plug were pulled.
 */
export interface ResolvedPowerOffOperation {
  /**
   * Power a VM off at once, as if its plug were pulled.
   */
  readonly do: "power-off";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Stop a VM between two instructions; time goes on without it.
 */
export interface ResolvedStunOperation {
  /**
   * Stop a VM between two instructions; time goes on without it.
   */
  readonly do: "stun";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Let a VM go on that `stun` stopped. Fails with `not-stunned` where it did not.
 */
export interface ResolvedUnstunOperation {
  /**
   * Let a VM go on that `stun` stopped. Fails with `not-stunned` where it did not.
   */
  readonly do: "unstun";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Let a VM go on that its host has stopped at an integrity alert (`onAlert`). Fails with `not-paused` where it does not stand at one.
 */
export interface ResolvedUnpauseOperation {
  /**
   * Let a VM go on that its host has stopped at an integrity alert (`onAlert`). Fails with `not-paused` where it does not stand at one.
   */
  readonly do: "unpause";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
}
/**
 * Power a VM off, if it is on, and on again on the named host.
 */
export interface ResolvedRestartOperation {
  /**
   * Power a VM off, if it is on, and on again on the named host.
   */
  readonly do: "restart";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it starts.
   */
  readonly host: string;
}
/**
 * Power a VM on on another host although its end has not been seen there: once its disks can be had, because their owner gives them up or its lease has run out. What is left of the VM on its old host cannot write any more. Refused while the old host answers for the VM.
 */
export interface ResolvedTakeOverOperation {
  /**
   * Power a VM on on another host although its end has not been seen there: once its disks can be had, because their owner gives them up or its lease has run out. What is left of the VM on its old host cannot write any more. Refused while the old host answers for the VM.
   */
  readonly do: "take-over";
  /**
   * Name of the operation; `after`, `during` and `expect` refer to it.
   */
  readonly id: string;
  /**
   * When it starts. Either this or `after`.
   */
  readonly atMs?: number;
  /**
   * Starts when another operation reaches a phase, or ends: `snap.complete`, `snap.ended`.
   */
  readonly after?: string;
  /**
   * Time that passes between `after` and the start.
   */
  readonly delayMs: number;
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * The host on which it goes on.
   */
  readonly host: string;
}
/**
 * An I/O filter of a host does not answer: a request to release a disk goes to the next one.
 */
export interface ResolvedFilterHangFault {
  /**
   * An I/O filter of a host does not answer: a request to release a disk goes to the next one.
   */
  readonly kind: "filter-hang";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Which of its filters, in the order in which they are asked.
   */
  readonly filter: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A domain fails at once: memory, and volatile caches of its devices, are lost.
 */
export interface ResolvedCrashFault {
  /**
   * A domain fails at once: memory, and volatile caches of its devices, are lost.
   */
  readonly kind: "crash";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * A host or an array.
   */
  readonly domain: string;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A domain, or all of a rack, loses power: memory and volatile caches are lost.
 */
export interface ResolvedPowerLossFault {
  /**
   * A domain, or all of a rack, loses power: memory and volatile caches are lost.
   */
  readonly kind: "power-loss";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * A host, an array or a rack.
   */
  readonly domain: string;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A component is alive but slow (a gray failure).
 */
export interface ResolvedSlowFault {
  /**
   * A component is alive but slow (a gray failure).
   */
  readonly kind: "slow";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * A host, an array, a link or a disk of a host (`host/disk`).
   */
  readonly component: string;
  /**
   * Every service time is multiplied by this.
   */
  readonly factor: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A sensor's reading moves away from nominal, then the host fails.
 */
export interface ResolvedDegradeFault {
  /**
   * A sensor's reading moves away from nominal, then the host fails.
   */
  readonly kind: "degrade";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * Its sensor.
   */
  readonly sensor: string;
  /**
   * Reading that is reached at the end.
   */
  readonly reading: number;
  /**
   * Time in which the reading gets there.
   */
  readonly overMs: number;
  /**
   * The host crashes when the reading is reached.
   */
  readonly thenCrash: boolean;
  /**
   * Time until the domain starts again; absent = it stays down.
   */
  readonly restartAfterMs?: number;
}
/**
 * A host's clock jumps.
 */
export interface ResolvedClockStepFault {
  /**
   * A host's clock jumps.
   */
  readonly kind: "clock-step";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * By how much, in microseconds; negative = back.
   */
  readonly stepUs: number;
}
/**
 * No message gets from one side to the other.
 */
export interface ResolvedPartitionFault {
  /**
   * No message gets from one side to the other.
   */
  readonly kind: "partition";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * A host or an array.
   */
  readonly from: string;
  /**
   * A host or an array.
   */
  readonly to: string;
  /**
   * Messages from `to` to `from` still arrive.
   */
  readonly oneWay: boolean;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A host loses one of its paths (links) to an array; others go on.
 */
export interface ResolvedPathLossFault {
  /**
   * A host loses one of its paths (links) to an array; others go on.
   */
  readonly kind: "path-loss";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * The host.
   */
  readonly host: string;
  /**
   * The array.
   */
  readonly array: string;
  /**
   * Which of the links between them, in the order listed, from 0.
   */
  readonly path: number;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * Writes are acknowledged and never reach the medium.
 */
export interface ResolvedLostWriteFault {
  /**
   * Writes are acknowledged and never reach the medium.
   */
  readonly kind: "lost-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes lost.
   */
  readonly count: number;
}
/**
 * Writes are acknowledged and only some sectors land.
 */
export interface ResolvedTornWriteFault {
  /**
   * Writes are acknowledged and only some sectors land.
   */
  readonly kind: "torn-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes torn.
   */
  readonly count: number;
}
/**
 * Writes land on other sectors.
 */
export interface ResolvedMisdirectedWriteFault {
  /**
   * Writes land on other sectors.
   */
  readonly kind: "misdirected-write";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next writes misdirected.
   */
  readonly count: number;
}
/**
 * Bits of written sectors flip.
 */
export interface ResolvedBitRotFault {
  /**
   * Bits of written sectors flip.
   */
  readonly kind: "bit-rot";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Sectors that rot.
   */
  readonly count: number;
}
/**
 * Flushes are acknowledged and do nothing.
 */
export interface ResolvedLyingFlushFault {
  /**
   * Flushes are acknowledged and do nothing.
   */
  readonly kind: "lying-flush";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Next flushes that lie.
   */
  readonly count: number;
}
/**
 * Tasks of an array on copy-on-write volumes go wrong.
 */
export interface ResolvedArrayTaskFault {
  /**
   * Tasks of an array on copy-on-write volumes go wrong.
   */
  readonly kind: "array-task";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array of kind cow.
   */
  readonly array: string;
  /**
   * `lost` = carried out and forgotten; `late` = carried out, and never said to have ended; `item` = one disk of a list fails; `torn` = a copy or a revert stops half way.
   */
  readonly how: "lost" | "late" | "item" | "torn";
  /**
   * Next tasks (or disks of lists) that are struck.
   */
  readonly count: number;
}
/**
 * Written sectors cannot be read until rewritten.
 */
export interface ResolvedLatentErrorFault {
  /**
   * Written sectors cannot be read until rewritten.
   */
  readonly kind: "latent-error";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * Sectors hit.
   */
  readonly count: number;
}
/**
 * Nothing more can be allocated on a device.
 */
export interface ResolvedNoSpaceFault {
  /**
   * Nothing more can be allocated on a device.
   */
  readonly kind: "no-space";
  /**
   * When it strikes. Exactly one of atMs, atStep, during, meanIntervalMs.
   */
  readonly atMs?: number;
  /**
   * Strikes with the n-th durable step of the run, before what follows from it.
   */
  readonly atStep?: number;
  /**
   * Strikes while an operation is in a phase: `merge.copy`.
   */
  readonly during?: string;
  /**
   * Time that passes between `during` and the strike, in microseconds.
   */
  readonly delayUs: number;
  /**
   * Strikes at random; mean time between two.
   */
  readonly meanIntervalMs?: number;
  /**
   * Chance that it strikes at all when its moment comes.
   */
  readonly probability: number;
  /**
   * An array (`array`) or a disk of a host (`host/disk`).
   */
  readonly device: string;
  /**
   * How long it lasts; absent = to the end of the run.
   */
  readonly durationMs?: number;
}
/**
 * A timeline operation ends in the named way.
 */
export interface ResolvedExpectOperation {
  /**
   * The id of a timeline entry.
   */
  readonly operation: string;
  /**
   * `complete`, or the code of the failure that is expected.
   */
  readonly outcome: string;
  /**
   * Longest time from its start to its end; absent = any.
   */
  readonly withinMs?: number;
}
/**
 * A virtual machine is in the named state at the end.
 */
export interface ResolvedExpectVm {
  /**
   * The VM.
   */
  readonly vm: string;
  /**
   * Its state.
   */
  readonly state: "running" | "stunned" | "off";
  /**
   * The host that it is on; absent = any.
   */
  readonly host?: string;
  /**
   * Alerts of its integrity driver in the whole run; absent = any.
   */
  readonly alerts?: number;
}
/**
 * An invariant, or a state that the run should reach, came out in the named way.
 */
export interface ResolvedExpectInvariant {
  /**
   * Its name.
   */
  readonly invariant: string;
  /**
   * `holds`; `violated` = the run is expected to break it; `reached` (of a `sometimes`).
   */
  readonly outcome: "holds" | "violated" | "reached";
}
/**
 * A metric of the run, over its whole length, lies between bounds.
 */
export interface ResolvedExpectMetric {
  /**
   * Its name, as `orrery run --json` prints it.
   */
  readonly metric: string;
  /**
   * Lower bound; absent = none.
   */
  readonly atLeast?: number;
  /**
   * Upper bound; absent = none.
   */
  readonly atMost?: number;
}
