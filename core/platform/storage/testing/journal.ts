/**
 * The model that storage is held against: what each sector may hold, from what was asked and
 * answered alone. A version of a sector may be read unless a later one, sent after this one was
 * acknowledged, was itself acknowledged before the read was sent; after a crash only those count
 * that were acknowledged before a flush was sent that was acknowledged, too.
 */
import type { ContentRun } from "../../../kernel/index.ts";
import type { Answer } from "./bench.ts";

export type Asked = {
  readonly tag: number;
  readonly op: "read" | "write" | "flush" | "discard";
  readonly sector: number;
  readonly sectors: number;
  /** First stamp of a write; 0 writes zeros. */
  readonly stamp: number;
  readonly fua: boolean;
  readonly atNs: number;
};

type Version = {
  readonly stamp: number;
  readonly sentNs: number;
  readonly acknowledgedNs: number;
  readonly fua: boolean;
};

/** Stamps of sectors, one by one. */
export function stampsOf(runs: readonly ContentRun[]): number[] {
  return runs.flatMap((run) =>
    Array.from({ length: run.sectors }, (_, i) => {
      if (run.kind === "bytes") return -1;
      return run.kind === "stamp" ? run.stamp + i : 0;
    }),
  );
}

export class Journal {
  readonly #versions: Version[][];
  readonly #asked: readonly Asked[];
  readonly #answers: ReadonlyMap<number, Answer>;

  constructor(sectors: number, asked: readonly Asked[], answers: readonly Answer[]) {
    this.#asked = asked;
    this.#answers = new Map(answers.map((each) => [each.tag, each]));
    const blank = { stamp: 0, sentNs: -1, acknowledgedNs: -1, fua: true };
    this.#versions = Array.from({ length: sectors }, () => [blank]);
    for (const each of asked) if (each.op === "write" || each.op === "discard") this.#note(each);
  }

  #note({ tag, op, sector, sectors, stamp, atNs, fua }: Asked): void {
    const answer = this.#answers.get(tag);
    const acknowledgedNs = answer?.ok ? answer.atNs : Infinity;
    for (let i = 0; i < sectors; i++) {
      const value = op === "discard" || stamp === 0 ? 0 : stamp + i;
      this.#versions[sector + i]!.push({ stamp: value, sentNs: atNs, acknowledgedNs, fua });
    }
  }

  /** What is wrong with the answered reads; empty when all is well. */
  wrongReads(): string[] {
    const wrong: string[] = [];
    for (const read of this.#asked) {
      const answer = this.#answers.get(read.tag);
      if (read.op !== "read" || !answer?.ok) continue;
      stampsOf(answer.runs!).forEach((stamp, i) => {
        const versions = this.#versions[read.sector + i]!;
        const allowed = versions.some(
          (each) =>
            each.stamp === stamp &&
            each.sentNs <= answer.atNs &&
            !versions.some((w) => replaces(w, each) && w.acknowledgedNs < read.atNs),
        );
        if (!allowed) wrong.push(`read ${read.tag} of ${read.sector + i} gave ${stamp}`);
      });
    }
    return wrong;
  }

  /** What is wrong with the content found after a crash. */
  wrongAfterCrash(content: readonly number[]): string[] {
    const flushes = this.#asked.filter(
      (each) => each.op === "flush" && this.#answers.get(each.tag)?.ok,
    );
    const flushedNs = Math.max(-1, ...flushes.map((each) => each.atNs));
    const isDurable = (w: Version) =>
      w.acknowledgedNs < flushedNs || (w.fua && w.acknowledgedNs < Infinity);
    const wrong: string[] = [];
    content.forEach((stamp, sector) => {
      const versions = this.#versions[sector]!;
      const allowed = versions.some(
        (each) => each.stamp === stamp && !versions.some((w) => replaces(w, each) && isDurable(w)),
      );
      if (!allowed) wrong.push(`sector ${sector} holds ${stamp}`);
    });
    return wrong;
  }
}

const replaces = (later: Version, earlier: Version): boolean =>
  earlier.acknowledgedNs < later.sentNs;
