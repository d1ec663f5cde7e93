/**
 * What a scenario file brings along works like what is built in: own operations start from the
 * timeline, own faults strike from the list of faults, own entities are built with the world.
 */
import type { Entity, OperationComponent, PlainObject, World } from "../../core/kernel/index.ts";
import type { Extension } from "../schema/extension.ts";

/** An own operation: what the timeline may name, the phases, and where it runs. */
export interface OwnOperation extends Extension {
  readonly family: "operation";
  readonly operation: OperationComponent;
  /** The entity in whose domain it runs. */
  readonly host: (world: World, entry: PlainObject) => Entity;
  /** Parameters of the operation; the timeline entry itself unless told. */
  readonly params?: (world: World, entry: PlainObject) => PlainObject;
}

/** An own fault: what happens to the world when it strikes, and when it ends. */
export interface OwnFault extends Extension {
  readonly family: "fault";
  readonly strike: (world: World, fault: PlainObject, when: "begins" | "ends") => void;
}

export const isOwnOperation = (each: Extension): each is OwnOperation =>
  each.family === "operation" && "operation" in each;

export const isOwnFault = (each: Extension): each is OwnFault =>
  each.family === "fault" && "strike" in each;
