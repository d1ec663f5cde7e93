/** What an agent notes of a medium that a local disk is coming to, or is leaving. */
import type { EntityId } from "../../kernel/index.ts";

export type MediumNote = {
  readonly side: "coming" | "leaving";
  readonly vm: string;
  readonly disk: string;
  readonly record: EntityId;
  /** The operation that moves the machine. */
  readonly source: EntityId;
  /** Agent of the other host. */
  readonly peer: EntityId;
  readonly clearing?: boolean;
};

export type AgentDurable = { readonly media?: { readonly [device: string]: MediumNote } };
