/**
 * Moves the machines of a host away before it fails: a few at a time, the important ones first, each to
 * the first destination that admits it.
 *
 * Must hold: a machine that nobody admits, or whose move fails, stays and runs on; no more machines are
 * on their way at once than was asked for. What is still here when the host fails is started again
 * elsewhere, as without an evacuation (the baseline).
 */
import {
  done,
  type Entity,
  type EntityId,
  go,
  operation,
  type Operation,
  type OperationEntity,
  perform,
  type Plain,
  type PlainObject,
  type Refusal,
  startOperation,
  type Step,
  wait,
} from "../../kernel/index.ts";
import type { PowerOnParams } from "../../disks/index.ts";
import { migrate } from "../migrate.ts";
import type { MigrationSettings } from "../settings.ts";

/** A machine to be moved, and where it may go, the best place first. */
export type Evacuee = {
  readonly vm: string;
  readonly instance: EntityId;
  readonly places: readonly {
    readonly to: string;
    readonly opening: PowerOnParams & PlainObject;
  }[];
};

export type EvacuateParams = {
  /** The important ones first. */
  readonly machines: readonly Evacuee[];
  readonly parallel: number;
  readonly settings: MigrationSettings;
};

type Moved = {
  readonly vm: string;
  readonly to: string;
  readonly downtimeNs: number;
  readonly totalNs: number;
  /** Since the evacuation began. */
  readonly afterNs: number;
};

type EvacuateState = {
  startedNs: number;
  /** Number of the next machine to be taken. */
  next: number;
  lanes: EntityId[];
  moved: Moved[];
  /** Machines that stayed, and what the last destination said. */
  stayed: { readonly vm: string; readonly code: string }[];
};

type LaneParams = { readonly evacuation: EntityId };
type LaneState = { machine: number; place: number; code: string };
type Lane = Operation<LaneParams & PlainObject, LaneState & PlainObject>;

const LOOK_NS = 10_000_000;

/** One machine after the other. */
export const evacuationLane = operation<LaneParams & PlainObject, LaneState & PlainObject>(
  "evacuation-lane",
  {
    take(host, op: Lane) {
      const evacuation = evacuationOf(host, op);
      const { next } = stateOf(evacuation);
      if (next >= paramsOf(evacuation).machines.length) return done({});
      editState(evacuation).next = next + 1;
      const state = op.edit();
      state.machine = next;
      state.place = 0;
      state.code = "no-place";
      return go("move");
    },

    /** The destination decides whether it has room. */
    move(host, op: Lane) {
      const { machines, settings } = paramsOf(evacuationOf(host, op));
      const { vm, instance, places } = machines[op.state.machine]!;
      const place = places[op.state.place];
      if (place === undefined) return stay(host, op);
      return perform(migrate, { vm, instance, ...place, settings }, "moved", "refused");
    },

    moved(host, op: Lane, { downtimeNs, totalNs }: Pick<Moved, "downtimeNs" | "totalNs">) {
      const evacuation = evacuationOf(host, op);
      const { vm, places } = paramsOf(evacuation).machines[op.state.machine]!;
      const { to } = places[op.state.place]!;
      const afterNs = host.simulatedNs - stateOf(evacuation).startedNs;
      editState(evacuation).moved.push({ vm, to, downtimeNs, totalNs, afterNs });
      host.measure("evacuated", 1);
      return go("take");
    },

    refused(_host, op: Lane, { code }: Refusal) {
      const state = op.edit();
      state.code = code;
      state.place++;
      return go("move");
    },
  },
  () => ({ machine: -1, place: 0, code: "" }),
);

function stay(host: Entity, op: Lane): Step {
  const evacuation = evacuationOf(host, op);
  const { vm } = paramsOf(evacuation).machines[op.state.machine]!;
  editState(evacuation).stayed.push({ vm, code: op.state.code });
  return go("take");
}

const evacuationOf = (host: Entity, { params }: Lane): OperationEntity =>
  host.world.entity(params.evacuation) as unknown as OperationEntity;

const stateOf = ({ volatile }: OperationEntity): EvacuateState =>
  volatile.state as unknown as EvacuateState;

const editState = (evacuation: OperationEntity): EvacuateState =>
  evacuation.edit().state as unknown as EvacuateState;

const paramsOf = ({ config }: OperationEntity): EvacuateParams =>
  config.params as unknown as EvacuateParams;

export const evacuate = operation<EvacuateParams & PlainObject, EvacuateState & PlainObject>(
  "evacuate",
  {
    begin(host, op) {
      const { machines, parallel } = op.params;
      const state = op.edit();
      state.startedNs = host.simulatedNs;
      const lanes = Math.min(parallel, machines.length);
      const evacuation = op.entity.id;
      for (let lane = 1; lane <= lanes; lane++) {
        const id = `${op.id}.lane-${lane}`;
        const made = startOperation(host.world, evacuationLane, host, id, { evacuation });
        state.lanes.push(made.id);
      }
      return wait(LOOK_NS, "look");
    },

    look(host, op) {
      const { lanes, moved, stayed } = op.state;
      const isGoing = lanes.some((lane) => host.world.entityOrNone(lane) !== undefined);
      if (isGoing) return wait(LOOK_NS, "look");
      return done({
        moved: moved as unknown as Plain,
        stayed: stayed as unknown as Plain,
        longestDowntimeNs: Math.max(0, ...moved.map(({ downtimeNs }) => downtimeNs)),
      });
    },
  },
  () => ({ startedNs: 0, next: 0, lanes: [], moved: [], stayed: [] }),
);
