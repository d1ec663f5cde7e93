/**
 * Messages between failure domains. The kernel hands an envelope to a carrier (a link); the carrier
 * decides when, whether and how often it arrives. What is on the way belongs to the carrier and
 * survives a crash of its sender; it is dropped if its target has crashed since it was sent.
 */
import type { EntityId } from "./entity.ts";
import type { Plain } from "./plain.ts";

export type Delivery = "datagram" | "stream";

export type Envelope = {
  readonly from: EntityId;
  readonly to: EntityId;
  /** Handler of the target. */
  readonly handler: string;
  readonly arg: Plain;
  /** Size on the wire, headers included. */
  readonly bytes: number;
  readonly delivery: Delivery;
  /** Incarnation of the target's domain when the message was sent. */
  readonly incarnation: number;
};

export interface SendOptions {
  /** Size on the wire; 256 unless told. */
  readonly bytes?: number;
  readonly delivery?: Delivery;
  /** The carrier to use, where several join the two domains. */
  readonly via?: EntityId;
}

/** What a request handler receives. */
export type Request<P extends Plain = Plain> = {
  readonly from: EntityId;
  /** 0 when nobody waits for an answer. */
  readonly askId: number;
  readonly delivery: Delivery;
  /** Carrier that brought it; the answer takes the same way. -1 inside a domain. */
  readonly via: EntityId;
  readonly body: P;
};

/** What comes back for a request. */
export type Reply<R extends Plain = Plain> =
  | { readonly ok: true; readonly value: R; readonly tag: Plain }
  | { readonly ok: false; readonly code: string; readonly detail: Plain; readonly tag: Plain };

export interface AskOptions extends SendOptions {
  /** Handler of the asker that receives the `Reply`. */
  readonly then: string;
  /** Handed back in the reply: which of several outstanding requests this was. */
  readonly tag?: Plain;
  /** After this long the reply is `{ok: false, code: "timeout"}`; no time-out unless told. */
  readonly timeoutNs?: number;
}
