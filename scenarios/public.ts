/**
 * What a user's own file imports from "orrery": the helpers that a document is written with, and what
 * own entities, operations, faults and invariants are made of.
 */
export {
  always,
  ask,
  component,
  done,
  eventually,
  exponential,
  fail,
  go,
  latency,
  operation,
  perform,
  quiescent,
  sometimes,
  together,
  uniform,
  wait,
} from "../core/kernel/index.ts";
export type {
  Component,
  Distribution,
  Entity,
  Invariant,
  Operation,
  Plain,
  PlainObject,
  Reply,
  Request,
  Step,
  World,
} from "../core/kernel/index.ts";
export type { OwnFault, OwnOperation } from "./building/index.ts";
export { captured, scenario, workload } from "./define.ts";
export type { OwnParts, OwnScenarioDocument, ScenarioDefinition } from "./define.ts";
export type { Extension, ExtensionFamily, ReferenceTarget } from "./schema/extension.ts";
export type { JsonSchema } from "./schema/json-schema.ts";
export type { ScenarioDocument } from "./schema/scenario.generated.ts";
export { runIfMain } from "./run-if-main.ts";
