/** What goes between the hunt for a planted bug and the process that has the bug. */
import type { JsonValue, ResolvedScenario } from "../../../scenarios/index.ts";
import type { FoundViolation } from "../../explorer/run-document.ts";

export interface Search {
  readonly type: "search";
  readonly scenario: string;
  readonly seed: number;
  readonly mostRuns: number;
  readonly mostSeconds: number;
}

export interface Shrink {
  readonly type: "shrink";
  readonly document: ResolvedScenario;
  readonly violation: FoundViolation;
  readonly mostRuns: number;
}

/** `go on`: sound sources break the same in the same run, so it is not the bug that was found. */
export type ToPlanted = Search | Shrink | { readonly type: "go on" } | { readonly type: "enough" };

/** How far a search has come; the processor's seconds are those of the searching process. */
export interface Effort {
  readonly runs: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

export interface Found {
  readonly type: "found";
  readonly document: ResolvedScenario;
  readonly violation: FoundViolation;
  readonly effort: Effort;
}

/** A run that has another root when it is repeated: found by the audit, as `orrery explore` does. */
export interface Differs {
  readonly type: "differs";
  readonly document: ResolvedScenario;
  readonly run: number;
  readonly effort: Effort;
}

export interface ShrunkSmall {
  readonly type: "shrunk";
  readonly document: JsonValue | null;
  readonly resolved: ResolvedScenario | null;
  readonly isMinimal: boolean;
}

export type FromPlanted =
  | { readonly type: "ready" }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "nothing"; readonly effort: Effort }
  | Found
  | Differs
  | ShrunkSmall;
