/** The door of guest integrity: what a guest and its host share of it. */
export type {
  IntegrityEvent,
  IntegrityAnswer,
  IntegrityFrame,
  IntegrityOffence,
  IntegrityRefusal,
  IntegrityState,
  PageRange,
  SecondStage,
} from "./integrity-state.ts";
export { isSameSecondStage, isSameSet, secondStageOf } from "./integrity-state.ts";
export {
  coversPage,
  enterIntegrity,
  INTEGRITY_PAGE_BYTES,
  interruptIntegrity,
  isInIntegrityMode,
  leaveIntegrity,
  protectPages,
  registerDriver,
  resumeIntegrity,
  unprotectPages,
} from "./integrity-unit.ts";
