// The host as firmware: takes the SBI call a hart just made and writes its answer into the hart.

import * as layout from "../../layout.ts";
import type { Surroundings } from "../surroundings.ts";
import { base } from "./base.ts";
import { type Answer, answer, type Extension, NOT_SUPPORTED } from "./call.ts";
import { hsm, ipi, rfence, time } from "./harts.ts";
import { integrity } from "./integrity.ts";
import { dbcn, lifecycle, srst } from "./system.ts";

const EXTENSIONS: ReadonlyMap<bigint, Extension> = new Map<bigint, Extension>([
  [0x10n, base((extension) => EXTENSIONS.has(extension))],
  [0x5449_4d45n, time],
  [0x73_5049n, ipi],
  [0x5246_4e43n, rfence],
  [0x48_534dn, hsm],
  [0x5352_5354n, srst],
  [0x4442_434en, dbcn],
  // Of the range kept for firmware: reports of lifecycle events.
  [0x0a00_4f52n, lifecycle],
  // Of the same range: guest integrity.
  [0x0a00_4749n, integrity],
]);

/** SBI numbers are 32 bits wide whatever the register holds above. */
const low = (value: bigint): bigint => value & 0xffff_ffffn;

const A0 = 10;
const A6 = 16;
const A7 = 17;

export function attendToFirmwareCall(around: Surroundings, hart: number): void {
  const { engine } = around;
  const register = (number: number): bigint => engine.word(hart, layout.HART_X + number * 8);
  const set = (number: number, value: bigint): void =>
    engine.setWord(hart, layout.HART_X + number * 8, BigInt.asUintN(64, value));
  const extension = EXTENSIONS.get(low(register(A7)));
  const [a0, a1, a2, a3, a4] = [0, 1, 2, 3, 4].map((i) => register(A0 + i));
  const given = [a0!, a1!, a2!, a3!, a4!] as const;
  const result: Answer | null =
    extension === undefined
      ? answer(NOT_SUPPORTED)
      : extension({ around, hart, function: low(register(A6)), arguments: given });
  if (result === null) return;
  set(A0, result.error);
  set(A0 + 1, result.value);
}
