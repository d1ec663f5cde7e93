/**
 * Pieces of an enumeration of crashes, shared among the worker processes of a search. A piece whose
 * worker is lost is done again by another one; one that was lost twice is given back as lost.
 */
import type { FromWorker } from "../explorer/messages.ts";
import type { SearchRequest } from "../explorer/search.ts";
import { Worker } from "../explorer/worker.ts";
import type { CrashResult, CrashTask } from "./crash-task.ts";
import type { CrashExecutor } from "./enumerate.ts";

const MOST_LOSSES = 2;

interface Piece {
  readonly index: number;
  readonly task: CrashTask;
  readonly losses: number;
}

/** What `map` was given, and how far it is. */
interface Round {
  readonly waiting: Piece[];
  readonly results: (CrashResult | undefined)[];
  readonly onDone: () => void;
  readonly isStopped: () => boolean;
  readonly end: () => void;
}

export class CrashWorkers implements CrashExecutor {
  /** Workers that were lost; what they did was done again. */
  losses = 0;
  /** Why no worker can load the scenario. */
  refused: string | undefined;
  readonly #request: SearchRequest;
  /** What each is doing; undefined while it starts. */
  readonly #workers = new Map<Worker, Piece | "nothing" | undefined>();
  #round: Round | undefined;

  constructor(scenario: string, settings: readonly string[], workers: number) {
    const search = { seed: 0, strategy: "uniform", blockRuns: 0, auditAll: false } as const;
    this.#request = { scenario, settings, ...search };
    for (let i = 0; i < workers; i++) this.#start();
  }

  get pids(): readonly (number | undefined)[] {
    return [...this.#workers.keys()].map(({ pid }) => pid);
  }

  async map(
    tasks: readonly CrashTask[],
    onDone: () => void,
    isStopped: () => boolean,
  ): Promise<readonly (CrashResult | undefined)[]> {
    const waiting = tasks.map((task, index): Piece => ({ index, task, losses: 0 }));
    const results: (CrashResult | undefined)[] = [];
    await new Promise<void>((end) => {
      this.#round = { waiting, results, onDone, isStopped, end };
      this.#assign();
    });
    this.#round = undefined;
    return results;
  }

  close(): void {
    for (const worker of this.#workers.keys()) worker.close();
  }

  #start(): void {
    const worker = new Worker(this.#request, {
      onMessage: (from, message) => this.#onMessage(from, message),
      onLost: (from, how) => this.#onLost(from, how),
    });
    this.#workers.set(worker, undefined);
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    if (message.type === "refused") this.refused = message.message;
    if (message.type === "crashed") this.#done(this.#workers.get(worker), message.result);
    if (message.type !== "ready" && message.type !== "crashed") return this.#endIfDone();
    this.#workers.set(worker, "nothing");
    worker.rest();
    this.#assign();
  }

  #done(piece: Piece | "nothing" | undefined, result: CrashResult): void {
    if (typeof piece !== "object" || this.#round === undefined) return;
    this.#round.results[piece.index] = result;
    this.#round.onDone();
  }

  #onLost(worker: Worker, how: string): void {
    const piece = this.#workers.get(worker);
    this.#workers.delete(worker);
    this.losses++;
    if (piece === undefined) this.refused ??= `a worker did not start: ${how}`;
    else this.#start();
    if (typeof piece === "object") {
      const again = { ...piece, losses: piece.losses + 1 };
      if (again.losses < MOST_LOSSES) this.#round?.waiting.unshift(again);
      else this.#done(again, { kind: "lost", how });
    }
    this.#assign();
  }

  #assign(): void {
    const round = this.#round;
    if (round === undefined) return;
    for (const [worker, doing] of this.#workers) {
      if (doing !== "nothing" || round.isStopped()) continue;
      const piece = round.waiting.shift();
      if (piece === undefined) break;
      this.#workers.set(worker, piece);
      worker.tell({ type: "crashes", task: piece.task });
    }
    this.#endIfDone();
  }

  #endIfDone(): void {
    const round = this.#round;
    if (round === undefined) return;
    const isBusy = [...this.#workers.values()].some((doing) => typeof doing === "object");
    const isLeft = round.waiting.length > 0 && !round.isStopped() && this.refused === undefined;
    if (!isBusy && !isLeft) round.end();
  }
}
