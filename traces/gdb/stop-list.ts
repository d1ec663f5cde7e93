/** Breakpoints and watchpoints as a debugger inserts and removes them (packets Z and z). */
import type { DebugTarget, Stops, WatchKind } from "../debugging/index.ts";
import { parseAddress, parseSize } from "./words.ts";

const SOFTWARE = "0";
const HARDWARE = "1";
const WATCHES: { readonly [type: string]: WatchKind } = { 2: "write", 3: "read", 4: "access" };
const MOST = 1_024;

interface Inserted {
  readonly type: string;
  readonly address: bigint;
  readonly bytes: number;
}

export class StopList {
  readonly #target: DebugTarget;
  readonly #inserted = new Map<string, Inserted>();

  constructor(target: DebugTarget) {
    this.#target = target;
  }

  /** Answers Z (`inserts`) or z; the arguments are `type,address,kind` and conditions. */
  change(inserts: boolean, text: string, hart: number): string {
    const [, type = "", at, kind] = /^([0-4]),([^,;]*),([^,;]*)(?:;.*)?$/s.exec(text) ?? [];
    const address = parseAddress(at);
    const bytes = parseSize(kind);
    if (type === "") return "";
    if (address === undefined || bytes === undefined) return "E01";
    const key = `${type},${address},${WATCHES[type] === undefined ? "" : bytes}`;
    const before = this.#inserted.get(key);
    if (inserts === (before !== undefined)) return "OK";
    if (inserts && this.#inserted.size >= MOST) return "E.too many of them";
    if (inserts) this.#inserted.set(key, { type, address, bytes });
    else this.#inserted.delete(key);
    const problem = this.#target.setStops(hart, this.#stops());
    if (problem === null) return "OK";
    if (inserts) this.#inserted.delete(key);
    return `E.${problem}`;
  }

  /** What is inserted at an address, as the word of a stop reply. */
  wordAt(address: bigint): "swbreak" | "hwbreak" {
    return this.#inserted.has(`${SOFTWARE},${address},`) ? "swbreak" : "hwbreak";
  }

  clear(): void {
    this.#inserted.clear();
    this.#target.setStops(0, this.#stops());
  }

  #stops(): Stops {
    const all = [...this.#inserted.values()];
    return {
      breakpoints: all
        .filter(({ type }) => type === SOFTWARE || type === HARDWARE)
        .map(({ address }) => address),
      watches: all.flatMap(({ type, address, bytes }) => {
        const kind = WATCHES[type];
        return kind === undefined ? [] : [{ kind, address, bytes }];
      }),
    };
  }
}
