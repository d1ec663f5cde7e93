/** What a kind of guest is: its data at power-on, and what it does with an input. */
import type { PlainObject } from "../kernel/index.ts";
import type { GuestInput } from "./guest.ts";
import type { Guest } from "./guest-handle.ts";

/** `C` its configuration, `S` its state, `J` its journal. */
export interface GuestKind<
  C extends PlainObject = PlainObject,
  S extends PlainObject = PlainObject,
  J extends PlainObject = PlainObject,
> {
  readonly kind: string;
  /** After power-on. */
  readonly state: (config: C) => S;
  /** Before the first power-on. */
  readonly journal: (config: C) => J;
  readonly deliver: (guest: Guest<C, S, J>, input: GuestInput) => void;
}

/** A guest of any kind, as machines keep them. */
export interface AnyGuestKind {
  readonly kind: string;
  readonly state: (config: never) => PlainObject;
  readonly journal: (config: never) => PlainObject;
  readonly deliver: (guest: never, input: GuestInput) => void;
}
