/** Typed helpers with which a `.ts` scenario is written. */
import type { Invariant, World } from "../core/kernel/index.ts";
import type { Extension } from "./schema/extension.ts";
import type {
  CaptureGuest,
  Fault,
  ScenarioDocument,
  TimelineEntry,
  Vm,
  WorkloadGuest,
  WorkloadPhase,
} from "./schema/scenario.generated.ts";

/** What a scenario brings along: its own operations, guests, faults and invariants. */
export interface OwnParts {
  readonly mechanisms?: readonly Extension[];
  readonly invariants?: readonly Invariant[];
  /** Own entities, made when the rest of the world stands; draws nothing. */
  readonly build?: (world: World) => void;
}

/** `build` of a scenario that has no entities of its own. */
export const NOTHING_BUILT = (): void => undefined;

/** A scenario of built-in parts alone. */
export const NOTHING_OWN: Required<OwnParts> = {
  mechanisms: [],
  invariants: [],
  build: NOTHING_BUILT,
};

/** The default export of a `.ts` scenario. */
export interface ScenarioDefinition extends Required<OwnParts> {
  readonly orrery: "scenario";
  readonly document: ScenarioDocument | OwnScenarioDocument;
}

type OwnMembers = { readonly [member: string]: unknown };

/** A document whose timeline, faults and guests may also be of the scenario's own kinds. */
export interface OwnScenarioDocument extends Omit<ScenarioDocument, "timeline" | "faults" | "vms"> {
  readonly timeline?: readonly (
    TimelineEntry | ({ readonly id: string; readonly do: string } & OwnMembers)
  )[];
  readonly faults?: readonly (Fault | ({ readonly kind: string } & OwnMembers))[];
  readonly vms?: readonly (Omit<Vm, "guest"> & {
    readonly guest: Vm["guest"] | ({ readonly kind: string } & OwnMembers);
  })[];
}

/** A scenario of built-in parts; with `own`, also of parts that the same file brings along. */
export function scenario(document: ScenarioDocument): ScenarioDefinition;
export function scenario(document: OwnScenarioDocument, own: OwnParts): ScenarioDefinition;
export function scenario(
  document: ScenarioDocument | OwnScenarioDocument,
  own: OwnParts = {},
): ScenarioDefinition {
  const { mechanisms = [], invariants = [], build = NOTHING_BUILT } = own;
  return { orrery: "scenario", document, mechanisms, invariants, build };
}

/**
 * A guest that plays back a captured block trace.
 * @param file path from the scenario's folder, else from Orrery's own
 */
export function captured(
  file: string,
  options: Omit<CaptureGuest, "kind" | "file"> = {},
): CaptureGuest {
  return { kind: "capture", file, ...options };
}

/** A modelled guest that goes through `phases`, one after the other. */
export function workload(
  phases: readonly WorkloadPhase[],
  options: Omit<WorkloadGuest, "kind" | "phases"> = {},
): WorkloadGuest {
  return { kind: "workload", phases, ...options };
}
