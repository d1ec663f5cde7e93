/**
 * Re-executes a recorded run from its log and holds every epoch root against the trace. The first
 * disagreement is reported where it happens: a draw that the log does not hold, a root that differs,
 * and, where a saved snapshot allows it, the fields that differ.
 */
import {
  captureWorld,
  decodeImage,
  diffWorlds,
  type Difference,
  type Epoch,
  type GateCounts,
  type GateOptions,
  hashHex,
  restoreWorld,
  SnapshotOfOtherCode,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { ladderPath } from "../recording/snapshot-ladder.ts";
import type { EpochRecord } from "../trace-chunks.ts";
import type { WorldBuilder } from "../world-builder.ts";
import { DrawLog } from "./draw-log.ts";
import { InputLog } from "./input-log.ts";
import type { RecordedRun, SnapshotRef } from "./recorded-run.ts";
import { SavedPages } from "./saved-pages.ts";

export interface ReplayOptions {
  readonly untilNs?: number;
  /** The trace was made by the sources that replay it: then a draw beyond the log is a divergence. */
  readonly sameCode: boolean;
  /** Called now and then. */
  readonly onProgress?: (world: World) => void;
  readonly signal?: { readonly aborted: boolean };
}

export interface NewDraw {
  readonly entity: string;
  readonly purpose: string;
  readonly position: number;
  readonly event: number;
}

export interface Divergence {
  readonly event: number;
  readonly timeNs: number;
  readonly message: string;
  readonly differences: readonly Difference[];
}

export interface ReplayResult {
  readonly verified: boolean;
  readonly epochsVerified: number;
  readonly draws: GateCounts;
  /** The first draws that the log did not hold. */
  readonly newDraws: readonly NewDraw[];
  readonly root: string;
  readonly recordedRoot: string | undefined;
  readonly divergence: Divergence | undefined;
  readonly interrupted: boolean;
  readonly world: World;
}

const MAX_NEW_DRAWS = 20;
const PROGRESS_EVENTS = 1 << 14;

export function replay(
  run: RecordedRun,
  builder: WorldBuilder,
  options: ReplayOptions,
): ReplayResult {
  const replaying = new Replay(run, builder, options);
  while (replaying.advance());
  return replaying.result();
}

/** As `replay`; the event loop gets a turn several times a second, so that a signal is seen. */
export async function replayAsync(
  run: RecordedRun,
  builder: WorldBuilder,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const replaying = new Replay(run, builder, options);
  while (replaying.advance()) await new Promise((resolve) => setImmediate(resolve));
  return replaying.result();
}

class Replay {
  readonly #run: RecordedRun;
  readonly #builder: WorldBuilder;
  readonly #options: ReplayOptions;
  readonly #world: World;
  readonly #initial: WorldImage;
  readonly #inputs: InputLog;
  readonly #epochs: ReadonlyMap<number, EpochRecord>;
  readonly #newDraws: NewDraw[] = [];
  #lastGood = 0;
  #epochsVerified = 0;
  #divergence: Divergence | undefined;
  #interrupted = false;

  constructor(run: RecordedRun, builder: WorldBuilder, options: ReplayOptions) {
    this.#run = run;
    this.#builder = builder;
    this.#options = options;
    this.#epochs = new Map(run.epochs.map((epoch) => [epoch.index, epoch]));
    this.#inputs = new InputLog(run.trace);
    this.#world = builder.build(
      this.#gate((entity, purpose, position) => this.#onNew(entity, purpose, position)),
    );
    this.#initial = captureWorld(this.#world);
    this.#world.hooks.onEpoch = (epoch) => this.#onEpoch(epoch);
  }

  result(): ReplayResult {
    const world = this.#world;
    const { end } = this.#run;
    this.#checkReach();
    const stoppedEarly = this.#interrupted || this.#divergence !== undefined;
    const toTheEnd = end !== undefined && this.#options.untilNs === undefined && !stoppedEarly;
    // Real guests went on after the last event.
    if (toTheEnd && end.timeNs > world.timeNs) world.run({ untilNs: end.timeNs });
    if (toTheEnd && end.finished) world.finish();
    const root = hashHex(world.root());
    const recordedRoot = toTheEnd ? end.root : undefined;
    const isComparable = recordedRoot !== undefined && world.gate.counts().fresh === 0;
    // New draws are in the hash of draws: then only the state, at each epoch, can be compared.
    if (this.#divergence === undefined && isComparable && recordedRoot !== root) {
      this.#diverge(`the root is ${root}, the trace has ${recordedRoot}`);
    }
    return {
      verified: this.#divergence === undefined && !this.#interrupted,
      epochsVerified: this.#epochsVerified,
      draws: world.gate.counts(),
      newDraws: this.#newDraws,
      root,
      recordedRoot,
      divergence: this.#divergence,
      interrupted: this.#interrupted,
      world,
    };
  }

  /** Runs on for a while; false when there is nothing left to do. */
  advance(): boolean {
    const world = this.#world;
    const { untilNs = Infinity, signal, onProgress } = this.#options;
    const last = this.#run.lastEvent;
    if (world.eventCount >= last || this.#divergence !== undefined) return false;
    const target = Math.min(last, world.eventCount + PROGRESS_EVENTS);
    const reason = this.#inputs.run(world, untilNs, target);
    onProgress?.(world);
    if (signal?.aborted) this.#interrupted = true;
    return reason === "event" && !this.#interrupted;
  }

  #checkReach(): void {
    const world = this.#world;
    const last = this.#run.lastEvent;
    const early = world.eventCount < last && this.#options.untilNs === undefined;
    const threw = world.checker.violations.some(
      (each) => each.invariant === "handlers do not throw",
    );
    if (!early || this.#interrupted || this.#divergence !== undefined || threw) return;
    this.#diverge(`no event is left after ${world.eventCount}; the trace has ${last}`);
  }

  #gate(onNew: NonNullable<GateOptions["onNew"]>): GateOptions {
    const { seed } = this.#run.trace.header;
    if (this.#run.log === "seed") return { seed };
    return { seed, replay: new DrawLog(this.#run.trace), onNew };
  }

  #onNew(entity: string, purpose: string, position: number): void {
    const event = this.#world.eventCount;
    if (this.#newDraws.length < MAX_NEW_DRAWS) {
      this.#newDraws.push({ entity, purpose, position, event });
    }
    const beyond = event >= this.#run.lastEvent && this.#run.end === undefined;
    if (!this.#options.sameCode || beyond) return;
    this.#diverge(`draw ${position} of stream ${entity} ${purpose} is not in the log`);
    this.#world.stop();
  }

  #onEpoch(epoch: Epoch): void {
    const recorded = this.#epochs.get(epoch.index);
    if (recorded === undefined || this.#divergence !== undefined) return;
    const root = hashHex(epoch.stateRoot);
    if (recorded.event === epoch.event && recorded.stateRoot === root) {
      this.#epochsVerified++;
      this.#lastGood = epoch.event;
      return;
    }
    const what = `epoch ${epoch.index} ended at event ${epoch.event} with state root ${root}`;
    this.#diverge(`${what}; the trace has event ${recorded.event} and ${recorded.stateRoot}`);
    this.#world.stop();
  }

  #diverge(message: string): void {
    if (this.#divergence !== undefined) return;
    const { eventCount: event, timeNs } = this.#world;
    this.#divergence = { event, timeNs, message, differences: [] };
    const located = this.#locate();
    if (located) this.#divergence = { ...this.#divergence, ...located };
  }

  /** The first saved snapshot, after the last good epoch, that the replay does not reproduce. */
  #locate(): Partial<Divergence> | undefined {
    const suspects = this.#run.snapshots.filter((each) => each.event > this.#lastGood);
    if (suspects.length === 0) return undefined;
    const again = this.#builder.build(this.#gate(() => {}));
    const inputs = new InputLog(this.#run.trace);
    for (const ref of suspects) {
      inputs.run(again, Infinity, ref.event);
      const saved = this.#savedWorld(ref);
      if (saved === undefined) return undefined;
      if (saved.stateRoot() === again.stateRoot()) continue;
      const differences = diffWorlds(saved, again);
      return { event: ref.event, timeNs: ref.timeNs, differences };
    }
    return undefined;
  }

  /** Undefined: it is of other code. */
  #savedWorld(ref: SnapshotRef): World | undefined {
    const world = this.#builder.build({ seed: this.#run.trace.header.seed });
    world.memories.fetchPagesFrom(new SavedPages(this.#run.trace).find);
    let image = this.#initial;
    for (const index of ladderPath(ref.index)) {
      const delta = this.#run.snapshotDelta(this.#run.snapshots[index - 1]!);
      image = decodeImage(world, delta, image);
    }
    try {
      restoreWorld(world, image);
      return world;
    } catch (thrown) {
      if (thrown instanceof SnapshotOfOtherCode) return undefined;
      throw thrown;
    }
  }
}
