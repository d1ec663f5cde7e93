/**
 * Shares the blocks of a search among worker processes and gathers what they found. Must hold: each
 * block counts exactly once, whatever happens to workers; one that is lost has its block done again
 * from the start, and a run that takes its worker down twice is a finding of its own.
 */
import type { ResolvedScenario } from "../../scenarios/index.ts";
import type { BlockTask, FromWorker } from "./messages.ts";
import {
  type AuditTask,
  type BlockResult,
  type Finding,
  type Mismatch,
  NOTHING,
  type SearchRequest,
  takesDown,
  type Tally,
} from "./search.ts";
import { TallySum } from "./tally-sum.ts";
import { Worker } from "./worker.ts";

export interface SearchLimits {
  /** Runs in all, over all shards; Infinity: until it is stopped. */
  readonly runs: number;
  /** This process does every `of`-th block, from block number `index`. */
  readonly shard: { readonly index: number; readonly of: number };
  /** Stop when so many different findings were made. */
  readonly findings: number;
}

interface Gathered {
  /** Of blocks that are done. */
  readonly tally: Tally;
  readonly audited: number;
  readonly lostWorkers: number;
  readonly cost: SearchCost;
}

export interface SearchProgress extends Gathered {
  /** Of blocks that are done and of those under way. */
  readonly runs: number;
}

/** Processor time in milliseconds, by what it went to: whatever else the machine does, it is the same. */
export interface SearchCost {
  /** Processes that load the code and the scenario: once each. */
  readonly starting: number;
  readonly searching: number;
  readonly auditing: number;
}

export interface SearchOutcome extends Gathered {
  /** Blocks that are in the tally, in order. */
  readonly blocks: readonly number[];
  readonly mismatches: readonly Mismatch[];
  /** Why it ended early: no worker can load the scenario, or a block cannot be done. */
  readonly trouble: string | undefined;
}

interface Audit {
  readonly task: AuditTask;
  /** How often a worker was lost over it. */
  readonly losses: number;
}

interface Job {
  readonly task: BlockTask;
  /** How often a worker was lost over it since a run was last found to be at fault. */
  readonly losses: number;
  /** The run during which the last one was lost. */
  readonly lostIn: number | undefined;
}

type Doing =
  | { readonly what: "starting" }
  | { readonly what: "nothing" }
  | {
      readonly what: "block";
      readonly job: Job;
      readonly run: number | undefined;
      readonly document: ResolvedScenario | undefined;
    }
  | { readonly what: "audit"; readonly audit: Audit };

/** Workers lost over one block without a run at fault, or one after the other while they start. */
const MOST_LOSSES = 4;
/** Over one audit. */
const MOST_AUDIT_LOSSES = 2;

export class Coordinator {
  readonly #request: SearchRequest;
  readonly #limits: SearchLimits;
  readonly #searchers = new Map<Worker, Doing>();
  readonly #auditors = new Map<Worker, Doing>();
  readonly #mostAuditors: number;
  readonly #again: Job[] = [];
  readonly #audits: Audit[] = [];
  readonly #results = new Map<number, BlockResult>();
  readonly #mismatches: Mismatch[] = [];
  #nextBlock: number;
  readonly #sum = new TallySum();
  #audited = 0;
  #cost = { starting: 0, searching: 0, auditing: 0 };
  #losses = 0;
  #failedStarts = 0;
  #trouble: string | undefined;
  #isStopping = false;
  #finish: () => void = () => undefined;

  constructor(request: SearchRequest, limits: SearchLimits, workers: number) {
    this.#request = request;
    this.#limits = limits;
    this.#nextBlock = limits.shard.index;
    this.#mostAuditors = request.auditAll ? workers : 1;
    for (let i = 0; i < workers; i++) this.#start(this.#searchers);
  }

  /** Process ids of the workers that search. */
  get pids(): readonly (number | undefined)[] {
    return [...this.#searchers.keys()].map(({ pid }) => pid);
  }

  progress(): SearchProgress {
    const gathered = this.#gathered();
    let { runs } = gathered.tally;
    for (const doing of this.#searchers.values()) {
      if (doing.what !== "block" || doing.run === undefined) continue;
      runs += doing.run - doing.job.task.block * this.#request.blockRuns;
    }
    return { ...gathered, runs };
  }

  #gathered(): Gathered {
    const [tally, audited, lostWorkers] = [this.#sum.tally, this.#audited, this.#losses];
    return { tally, audited, lostWorkers, cost: { ...this.#cost } };
  }

  /** No new blocks; those under way end after their present run. */
  stop(): void {
    this.#isStopping = true;
    for (const worker of this.#searchers.keys()) worker.tell({ type: "stop" });
    this.#endIfDone();
  }

  /** Resolves when all is done, or everything that was under way when it was stopped. */
  async outcome(): Promise<SearchOutcome> {
    await new Promise<void>((resolve) => {
      this.#finish = resolve;
      this.#endIfDone();
    });
    for (const worker of [...this.#searchers.keys(), ...this.#auditors.keys()]) worker.close();
    const blocks = this.#countedBlocks();
    const { tally } = new TallySum(...blocks.map((block) => this.#results.get(block)!.tally));
    const { audited, lostWorkers, cost } = this.#gathered();
    const mismatches = [...this.#mismatches].sort((a, b) => a.run - b.run);
    return { tally, audited, lostWorkers, cost, blocks, mismatches, trouble: this.#trouble };
  }

  /** With a limit on findings: the first blocks that have so many, however far others were. */
  #countedBlocks(): readonly number[] {
    const blocks = [...this.#results.keys()].sort((a, b) => a - b);
    const sum = new TallySum();
    for (const [index, block] of blocks.entries()) {
      sum.add(this.#results.get(block)!.tally);
      if (sum.findings >= this.#limits.findings) return blocks.slice(0, index + 1);
    }
    return blocks;
  }

  /** The blocks up to some one are all done and have as many findings as were asked for. */
  #hasEnough(): boolean {
    const { findings, shard } = this.#limits;
    if (this.#sum.findings < findings) return false;
    const sum = new TallySum();
    for (let block = shard.index; this.#results.has(block); block += shard.of) {
      sum.add(this.#results.get(block)!.tally);
      if (sum.findings >= findings) return true;
    }
    return false;
  }

  #start(group: Map<Worker, Doing>): void {
    const worker = new Worker(this.#request, {
      onMessage: (from, message) => this.#onMessage(from, message),
      onLost: (from, how) => this.#onLost(from, how),
    });
    group.set(worker, { what: "starting" });
  }

  #onMessage(worker: Worker, message: FromWorker): void {
    const group = this.#searchers.has(worker) ? this.#searchers : this.#auditors;
    switch (message.type) {
      case "alive":
        return;
      case "refused":
        return this.#giveUp(message.message);
      case "ready":
        this.#failedStarts = 0;
        this.#cost.starting += message.cpuMs;
        group.set(worker, { what: "nothing" });
        break;
      case "running": {
        const doing = group.get(worker);
        const { run, document } = message;
        if (doing?.what === "block") group.set(worker, { ...doing, run, document });
        return;
      }
      case "block":
        group.set(worker, { what: "nothing" });
        this.#cost.searching += message.cpuMs;
        this.#gather(message.result);
        break;
      case "audited":
        group.set(worker, { what: "nothing" });
        this.#audited++;
        this.#cost.auditing += message.cpuMs;
        if (message.mismatch !== null) this.#mismatches.push(message.mismatch);
    }
    worker.rest();
    this.#assign();
  }

  #gather(result: BlockResult): void {
    const { block, tally, audits } = result;
    const before = this.#results.get(block)?.tally ?? NOTHING;
    this.#results.set(block, { block, tally: new TallySum(before, tally).tally, audits: [] });
    this.#sum.add(tally);
    this.#audits.push(...audits.map((task) => ({ task, losses: 0 })));
    if (this.#sum.findings >= this.#limits.findings) this.#isStopping = true;
  }

  #onLost(worker: Worker, how: string): void {
    const isSearcher = this.#searchers.has(worker);
    const group = isSearcher ? this.#searchers : this.#auditors;
    const doing = group.get(worker);
    group.delete(worker);
    this.#losses++;
    if (doing?.what === "audit") this.#afterAuditLoss(doing.audit, how);
    if (doing?.what === "block") this.#afterBlockLoss(doing, how);
    if (doing?.what === "starting" && ++this.#failedStarts >= MOST_LOSSES) {
      this.#giveUp(`${this.#failedStarts} workers in a row did not start; the last one: ${how}`);
    }
    if (isSearcher && this.#trouble === undefined) this.#start(group);
    this.#assign();
  }

  #giveUp(why: string): void {
    this.#trouble ??= why;
    this.stop();
  }

  /** It is tried once more; what takes down another worker did not end as the run did. */
  #afterAuditLoss({ task, losses }: Audit, how: string): void {
    if (losses + 1 < MOST_AUDIT_LOSSES) {
      this.#audits.push({ task, losses: losses + 1 });
      return;
    }
    const { run, document, root: expected } = task;
    const conditions = "another process, which it took down twice";
    this.#mismatches.push({ run, document, expected, found: `none (${how})`, conditions });
  }

  #afterBlockLoss(doing: Extract<Doing, { what: "block" }>, how: string): void {
    const job = this.#afterLoss(doing, how);
    this.#again.push(job);
    if (job.losses < MOST_LOSSES) return;
    const { run, document } = doing;
    const where = document !== undefined ? "in" : "before";
    const last = run === undefined ? "the last one" : `the last one ${where} run ${run}`;
    this.#giveUp(`block ${job.task.block} took ${job.losses} workers down, ${last}: ${how}`);
  }

  /** The block is done again; a run that was at fault twice is passed over, and told of. */
  #afterLoss(doing: Extract<Doing, { what: "block" }>, how: string): Job {
    const { job, run, document } = doing;
    const again = { ...job, losses: job.losses + 1, lostIn: run };
    if (run === undefined || run !== job.lostIn || document === undefined) return again;
    const violation = takesDown(how);
    const finding: Finding = { violation, run, runs: 1, root: "", events: 0, document };
    const tally = { ...NOTHING, runs: 1, findings: [finding] };
    this.#gather({ block: job.task.block, tally, audits: [] });
    const task = { ...job.task, skip: [...job.task.skip, run] };
    return { task, losses: 0, lostIn: undefined };
  }

  #assign(): void {
    for (const [worker, doing] of this.#searchers) {
      if (doing.what !== "nothing") continue;
      const job = this.#nextJob();
      if (job === undefined) break;
      this.#searchers.set(worker, { what: "block", job, run: undefined, document: undefined });
      const careful = job.losses > 0 || job.task.skip.length > 0;
      worker.tell({ type: "block", task: job.task, careful });
    }
    const auditors = Math.min(this.#mostAuditors, this.#audits.length);
    while (this.#trouble === undefined && this.#auditors.size < auditors) {
      this.#start(this.#auditors);
    }
    for (const [worker, doing] of this.#auditors) {
      if (doing.what !== "nothing") continue;
      const audit = this.#audits.shift();
      if (audit === undefined) break;
      this.#auditors.set(worker, { what: "audit", audit });
      worker.tell({ type: "audit", task: audit.task });
    }
    this.#endIfDone();
  }

  #nextJob(): Job | undefined {
    if (this.#isStopping) return undefined;
    const lost = this.#again.shift();
    if (lost !== undefined) return lost;
    const block = this.#nextBlock;
    const { blockRuns } = this.#request;
    const runs = Math.min(blockRuns, this.#limits.runs - block * blockRuns);
    if (runs <= 0) return undefined;
    this.#nextBlock += this.#limits.shard.of;
    const { findings } = this.#limits;
    const task = { block, runs, skip: [], findings: Number.isFinite(findings) ? findings : null };
    return { task, losses: 0, lostIn: undefined };
  }

  #endIfDone(): void {
    const busy = [...this.#searchers.values()].some(({ what }) => what === "block");
    const auditing = [...this.#auditors.values()].some(({ what }) => what === "audit");
    if (this.#hasEnough()) return this.#finish();
    if (busy || auditing) return;
    if (this.#audits.length > 0 && !this.#isStopping) return;
    const left =
      this.#again.length > 0 || this.#nextBlock * this.#request.blockRuns < this.#limits.runs;
    if (!left || this.#isStopping) this.#finish();
  }
}
