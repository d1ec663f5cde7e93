/**
 * Faults at chosen events of a protected machine's run, and what is seen outside then: held against one
 * machine that was never interrupted, built alone from the log that counts.
 */
import { expect } from "vitest";
import { OUTPUT_NOTICE } from "../../core/fault-tolerance/index.ts";
import {
  captureWorld,
  type Entity,
  restoreWorld,
  type World,
  type WorldImage,
} from "../../core/kernel/index.ts";
import { BOUNDARY_NOTICE, vmRecordOf } from "../../core/vmm/index.ts";
import { tellLink } from "./links.ts";

export type Left = { readonly run: number; readonly number: number; readonly hash: string };

type Stop<Entry> = {
  readonly event: number;
  readonly image: WorldImage;
  readonly left: readonly Left[];
  readonly entries: readonly Entry[];
};

export class Failover<Entry> {
  readonly world: World;
  /** Number of the last event of the run without faults. */
  readonly last: number;
  readonly #begin: Stop<Entry>;
  /** The last event to which it went, which the next one is likely to follow. */
  #near: Stop<Entry>;
  readonly #afterNs: number;
  /** Hashes of what one machine puts out that takes these entries, by run. */
  readonly #uninterrupted: (entries: readonly Entry[], world: World) => readonly string[][];
  left: Left[] = [];
  entries: Entry[] = [];

  /** `toNs`: length of the run; `afterNs`: longer than a failover takes. */
  constructor(
    world: World,
    { toNs, afterNs }: { readonly toNs: number; readonly afterNs: number },
    uninterrupted: (entries: readonly Entry[], world: World) => readonly string[][],
  ) {
    this.world = world;
    this.#afterNs = afterNs;
    this.#uninterrupted = uninterrupted;
    world.hooks.onNotice = ({ kind, data }) => {
      if (data["vm"] !== "db") return;
      if (kind === OUTPUT_NOTICE) this.left.push(data as unknown as Left);
      if (kind === BOUNDARY_NOTICE) this.entries.push(structuredClone(data) as unknown as Entry);
    };
    this.#begin = { event: 0, image: captureWorld(world), left: [], entries: [] };
    this.#near = this.#begin;
    world.run({ untilNs: toNs });
    this.last = world.eventCount;
  }

  /** Goes back, and on to an event. */
  goTo(event: number): void {
    const from = this.#near.event <= event ? this.#near : this.#begin;
    restoreWorld(this.world, from.image);
    this.left = [...from.left];
    this.entries = [...from.entries];
    this.world.run({ untilEvent: event });
    const { left, entries } = this;
    this.#near = { event, image: captureWorld(this.world), left: [...left], entries: [...entries] };
  }

  /** The faults strike after the event; then on to well after them. */
  strikeAfter(event: number, ...strikes: readonly (() => void)[]): void {
    this.goTo(event);
    for (const strike of strikes) strike();
    this.goOn();
  }

  goOn(): void {
    this.world.run({ untilNs: this.world.timeNs + this.#afterNs });
  }

  /** The way of the log is cut after the event, and the primary goes on for a while. */
  loseTail(event: number, forNs: number, each: () => void = () => {}): void {
    this.goTo(event);
    this.cut("logging")();
    const untilNs = this.world.timeNs + forNs;
    while (this.world.timeNs < untilNs) {
      this.world.run({ untilEvent: this.world.eventCount + 1 });
      each();
    }
  }

  readonly crash = (host: string) => () =>
    this.world.crash(this.world.registry.domainNamed(host)!, "test");

  readonly cut = (link: string) => () => tellLink(this.world, link, "cut");
  readonly heal = (link: string) => () => tellLink(this.world, link, "heal");

  get known() {
    return vmRecordOf(this.world, "db").durable;
  }

  get hasBegun(): boolean {
    return this.known.steps > 0;
  }

  get place(): string {
    return `${this.known.power} ${this.known.host}`;
  }

  get violations(): string[] {
    return this.world.checker.violations.map(
      ({ invariant, message }) => `${invariant}: ${message}`,
    );
  }

  /** No gap, no reordering, nothing twice that differs, nothing that the machine never put out. */
  expectOneMachine(what: string): void {
    expect(this.violations, what).toEqual([]);
    this.#uninterrupted(this.entries, this.world).forEach((outputs, of) => {
      let next = 0;
      for (const { run, number, hash } of this.left) {
        if (run !== of) continue;
        expect(number, what).toBeLessThanOrEqual(next);
        expect(hash, what).toBe(outputs[number]);
        next = Math.max(next, number + 1);
      }
    });
  }

  entityOf(kind: string): Entity | undefined {
    return [...this.world.entities()].find((each) => each.kind === kind);
  }

  /** As if the backup had said that it has so many steps (a planted bug). */
  acknowledge(received: number): void {
    const body = { received, behindNs: 0 };
    const request = { from: -1, askId: 0, delivery: "stream", via: -1, body };
    this.world.call(this.entityOf("ft-guard")!, "acknowledged", request as never);
  }
}
