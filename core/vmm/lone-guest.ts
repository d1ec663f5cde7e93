/**
 * A guest built again alone, from its boundary log and the draws of its virtual machine: no host, no
 * link, no array, no world. What it puts out is held against the recorded hash.
 */
import {
  type Distribution,
  type DrawSource,
  type Editable,
  prepare,
  type ScenarioSeed,
  SectorContent,
  StreamGenerator,
  StreamSeeder,
} from "../kernel/index.ts";
import {
  type GuestDraw,
  type GuestHome,
  type GuestInputs,
  type GuestJournal,
  type GuestKind,
  type GuestKinds,
  type GuestOutput,
  type GuestSpec,
  type GuestState,
  initialJournal,
  initialState,
  kindOf,
  resolved,
  step,
} from "../guest/index.ts";
import type { BoundaryEntry, MarkEntry } from "./boundary.ts";
import { NO_OUTPUT, type OutputHash, withOutputs } from "./output-hash.ts";

export type LoneGuestParts = {
  readonly spec: GuestSpec;
  readonly kinds: GuestKinds;
  readonly inputs: GuestInputs;
  /** Recorded draws, by (virtual machine, purpose, position). */
  readonly draws: DrawSource;
  /** Predicts the draws that a log has left out; without it they are missing. */
  readonly seed?: ScenarioSeed;
};

export type LoneResult =
  | { readonly ok: true; readonly steps: number; readonly outputs: OutputHash }
  | {
      readonly ok: false;
      /** `gap`: entries are missing; `diverged`: the guest cannot have received this entry. */
      readonly code: "gap" | "missing-draw" | "diverged";
      readonly step: number;
      readonly message: string;
    };

type Remembered = {
  readonly state: Editable<GuestState>;
  readonly journal: Editable<GuestJournal>;
  readonly settled: readonly ReturnType<SectorContent["capture"]>[];
};

const isMark = (entry: BoundaryEntry | MarkEntry): entry is MarkEntry =>
  entry.input.kind === "image-taken" || entry.input.kind === "image-restored";

class MissingDraw extends Error {}

/** Draws that came with the entry, if it has any. */
function drawing({ vm, draws }: BoundaryEntry): GuestDraw | undefined {
  if (draws === undefined) return undefined;
  let next = 0;
  return (purpose) => {
    const value = draws[next++];
    if (value === undefined) throw new MissingDraw(`no draw ${next - 1} of ${vm} ${purpose}`);
    return value;
  };
}

export class LoneGuest {
  readonly #parts: LoneGuestParts;
  readonly #kind: GuestKind;
  #journal: Editable<GuestJournal>;
  /** The guest as it was when images of it were taken. */
  readonly #images = new Map<string, Remembered>();
  readonly #settled: readonly SectorContent[];
  readonly #positions = new Map<string, number>();
  readonly #generators = new Map<string, StreamGenerator>();
  #state: Editable<GuestState>;
  #steps = 0;
  #outputs = NO_OUTPUT;

  constructor(parts: LoneGuestParts) {
    const { spec, kinds, inputs } = parts;
    this.#parts = parts;
    this.#kind = kindOf(kinds, spec);
    this.#journal = initialJournal(this.#kind, spec) as Editable<GuestJournal>;
    this.#state = initialState(this.#kind, spec) as Editable<GuestState>;
    this.#settled = spec.disks.map(({ id, sectors }) => {
      const settled = inputs.content?.(spec.vm, id)?.fork() ?? new SectorContent(sectors);
      settled.resize(sectors);
      return settled;
    });
  }

  /** Inputs delivered so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Hash and length of everything put out so far. */
  get outputs(): OutputHash {
    return this.#outputs;
  }

  /** Its state and journal, to look at. */
  get memory(): { readonly state: GuestState; readonly journal: GuestJournal } {
    return { state: this.#state as GuestState, journal: this.#journal as GuestJournal };
  }

  /** Delivers the next entry; throws where the guest cannot have received it. */
  deliver(entry: BoundaryEntry | MarkEntry): readonly GuestOutput[] {
    if (isMark(entry)) return this.#mark(entry.input);
    if (entry.input.kind === "start") {
      this.#state = initialState(this.#kind, this.#parts.spec) as Editable<GuestState>;
    }
    const home: GuestHome = {
      spec: this.#parts.spec,
      inputs: this.#parts.inputs,
      state: this.#state,
      journal: this.#journal,
      settled: (disk) => this.#settled[disk]!,
      draw: drawing(entry) ?? ((purpose, distribution) => this.#draw(purpose, distribution)),
      nowNs: entry.nowNs,
    };
    const outputs = step(this.#kind, home, resolved(home, entry.input));
    this.#steps++;
    this.#outputs = withOutputs(this.#outputs, outputs);
    return outputs;
  }

  /** The guest is remembered, or is again as it was. */
  #mark({ kind, image }: MarkEntry["input"]): readonly GuestOutput[] {
    this.#steps++;
    if (kind === "image-taken") {
      const settled = this.#settled.map((each) => each.capture());
      const plain = structuredClone({ state: this.#state, journal: this.#journal });
      this.#images.set(image, { ...plain, settled });
      return [];
    }
    const found = this.#images.get(image);
    if (found === undefined) throw new Error(`no image ${image} was taken`);
    const { state, journal } = structuredClone({ state: found.state, journal: found.journal });
    this.#state = state;
    this.#journal = journal;
    this.#settled.forEach((each, disk) => each.restore(found.settled[disk]!));
    return [];
  }

  /** Delivers entries in order, to the end or to the first that does not fit. */
  replay(entries: Iterable<BoundaryEntry>): LoneResult {
    for (const entry of entries) {
      const at = this.#steps;
      if (entry.step !== at) {
        return {
          ok: false,
          code: "gap",
          step: at,
          message: `entry ${entry.step} follows ${at - 1}`,
        };
      }
      try {
        this.deliver(entry);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const code = error instanceof MissingDraw ? "missing-draw" : "diverged";
        return { ok: false, code, step: at, message };
      }
    }
    return { ok: true, steps: this.#steps, outputs: this.#outputs };
  }

  #draw(purpose: string, distribution: Distribution): number {
    const { spec, draws, seed } = this.#parts;
    const position = this.#positions.get(purpose) ?? 0;
    this.#positions.set(purpose, position + 1);
    const logged = draws.at(spec.vm, purpose, position);
    if (logged !== undefined) return logged;
    if (seed === undefined) throw new MissingDraw(`no draw ${position} of ${spec.vm} ${purpose}`);
    let generator = this.#generators.get(purpose);
    if (generator === undefined) {
      generator = new StreamGenerator(new StreamSeeder(seed).stateOf(spec.vm, purpose));
      this.#generators.set(purpose, generator);
    }
    return prepare(distribution).draw(generator);
  }
}
