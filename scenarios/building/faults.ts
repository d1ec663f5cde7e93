/** What each kind of fault does to the world when it strikes, and undoes when it ends. */
import {
  type DomainId,
  fromMs,
  fromUs,
  type PlainObject,
  type World,
} from "../../core/kernel/index.ts";
import type { Extension } from "../schema/extension.ts";
import type { ResolvedFault } from "../schema/scenario.generated.ts";
import type { Driver } from "./driver.ts";
import { isOwnFault } from "./own-parts.ts";

export type Moment = "begins" | "ends";

const TASK_FAULTS = {
  lost: "lostTasks",
  late: "lateTasks",
  item: "failedItems",
  torn: "tornCopies",
} as const;

export function strike(
  self: Driver,
  fault: ResolvedFault,
  when: Moment,
  own: readonly Extension[],
): void {
  const begins = when === "begins";
  switch (fault.kind) {
    case "crash":
    case "power-loss":
      return crashDomains(self, fault.domain, fault.kind);
    case "slow":
      return slow(self, fault.component, begins ? fault.factor : 1);
    case "degrade":
      return degrade(self, fault);
    case "clock-step":
      return self.send(idOf(self, fault.host), "clock-step", { stepNs: fromUs(fault.stepUs) });
    case "filter-hang": {
      const filter = idOf(self, `${fault.host}/filter-${fault.filter}`);
      return self.send(filter, begins ? "hang" : "resume", {});
    }
    case "partition":
      return partition(self, fault.from, fault.to, fault.oneWay, begins);
    case "path-loss": {
      const [from, to] = [domainOf(self.world, fault.host), domainOf(self.world, fault.array)];
      const path = self.world.messenger.carriers(from, to)[fault.path]!;
      return self.send(path, begins ? "cut" : "heal", { from: -1 });
    }
    case "no-space":
      return self.send(idOf(self, fault.device), "arm-fault", { kind: "no-space", on: begins });
    case "array-task": {
      if (!begins) return;
      const armed = { kind: TASK_FAULTS[fault.how], count: fault.count };
      return self.send(idOf(self, `${fault.array}/vvols`), "arm-vasa-fault", armed);
    }
    case "lost-write":
    case "torn-write":
    case "misdirected-write":
    case "bit-rot":
    case "lying-flush":
    case "latent-error":
      if (!begins) return;
      return self.send(idOf(self, fault.device), "arm-fault", {
        kind: fault.kind,
        count: fault.count,
      });
    default:
      return strikeOwn(self, fault, when, own);
  }
}

function strikeOwn(
  self: Driver,
  fault: { readonly kind: string },
  when: Moment,
  own: readonly Extension[],
): void {
  const found = own.filter(isOwnFault).find((each) => each.name === fault.kind);
  found?.strike(self.world, fault as unknown as PlainObject, when);
}

/** A host, an array, or all that share a rack. */
function crashDomains(self: Driver, name: string, cause: string): void {
  const { hosts, arrays } = self.config.document;
  const inRack = [...hosts, ...arrays].filter(({ rack }) => rack === name).map(({ id }) => id);
  for (const each of inRack.length > 0 ? inRack : [name]) {
    self.world.crash(domainOf(self.world, each), cause);
  }
}

/** Gray: alive, and every service time longer. A host is slow in its processor. */
function slow(self: Driver, component: string, factor: number): void {
  const { world } = self;
  const entity = world.named(component);
  if (entity.kind === "host") return self.send(idOf(self, `${component}/cpu`), "slow", { factor });
  if (entity.kind === "link") return self.send(entity.id, "slow", { factor });
  self.send(entity.id, "arm-fault", { kind: "slow", factor });
}

function degrade(self: Driver, fault: Extract<ResolvedFault, { kind: "degrade" }>): void {
  const { host, sensor, reading, overMs, thenCrash, restartAfterMs } = fault;
  const overNs = fromMs(overMs);
  self.send(idOf(self, host), "degrade", { sensor, target: reading, overNs });
  if (!thenCrash) return;
  self.after(overNs, "crash-domain", { domain: host });
  if (restartAfterMs === undefined) return;
  self.after(overNs + fromMs(restartAfterMs), "restart-domain", { domain: host });
}

/** Every link between the two is cut, one way or both. */
function partition(self: Driver, from: string, to: string, oneWay: boolean, begins: boolean): void {
  const { world } = self;
  const [a, b] = [domainOf(world, from), domainOf(world, to)];
  for (const link of world.messenger.carriers(a, b)) {
    self.send(link, begins ? "cut" : "heal", { from: oneWay ? a : -1 });
  }
}

const idOf = (self: Driver, name: string): number => self.world.named(name).id;

const domainOf = (world: World, name: string): DomainId => world.registry.domainNamed(name)!;
