/**
 * What a mechanism contributes to the document: a timeline operation, a kind of guest or of fault.
 *
 * What must hold: built-in and user-supplied ones are the same thing, so both are checked,
 * documented and completed alike. The schema part names only the own members; those that every
 * entry of the family has (`id`, `atMs`, `after`, ...) are added by `buildScenarioSchema`.
 */
import type { JsonSchema } from "./json-schema.ts";

export type ExtensionFamily = "operation" | "guest" | "fault";

export interface Extension {
  readonly family: ExtensionFamily;
  /** The word in `do` of a timeline entry, or in `kind` of a guest or fault. */
  readonly name: string;
  readonly description: string;
  /** An object schema of the own members; may refer to `#/$defs/...` of the document's schema. */
  readonly parameters: JsonSchema;
  /** Operations: what `figures` of the finished operation holds. */
  readonly figures?: JsonSchema;
  /** Operations: phases that `after` and `during` may name besides `complete` and `ended`. Absent = any. */
  readonly phases?: readonly string[];
  /**
   * Which own members refer to something in the document, for the check of dangling ids.
   * A member may hold one id or a list.
   */
  readonly references?: Readonly<Record<string, ReferenceTarget>>;
}

/**
 * What an id may refer to. `vmDisk`: a disk of the VM that the same entry names in `vm` (or of the
 * VM that the guest is in); `endpoint`: a host or an array; `domain`: a host, an array or a rack;
 * `device`: an array or a host's disk; `component`: a host, an array, a link or a host's disk.
 */
export type ReferenceTarget = (typeof REFERENCE_TARGETS)[number];

export const REFERENCE_TARGETS = [
  "host",
  "array",
  "vm",
  "vmDisk",
  "operation",
  "endpoint",
  "domain",
  "component",
  "device",
] as const;
