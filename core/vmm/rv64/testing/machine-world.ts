/**
 * A world for tests of real guests: a host each, a wire that loses frames between them, a disk each.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  bernoulli,
  component,
  type DomainId,
  type EntityId,
  exponential,
  type GateOptions,
  type PlainObject,
  type Request,
  World,
  type WorldConstants,
} from "../../../kernel/index.ts";
import { type GuestSpec, REAL_GUEST, rv64 } from "../../../guest/index.ts";
import type { BlockRequest } from "../../../platform/index.ts";
import {
  attachDisks,
  createVmm,
  powerOn,
  spawnVmRecord,
  type Vmm,
  vmInvariants,
  type VmRecord,
} from "../../index.ts";
import { type Machines, pagesOfFiles } from "../live-machine.ts";
import { type MachineConfig, type MachineEntity, type Typing } from "../machine-state.ts";

export const SECTORS = 256;
const GUEST = new URL("../../../guest/rv64/", import.meta.url);
const MODULE = readFileSync(new URL("assembly/build/rv64.wasm", GUEST));

/** A sample program, or one that is given, and its SHA-256. */
export function program(name: string | Uint8Array): {
  readonly sha256: string;
  readonly bytes: Uint8Array;
} {
  const isGiven = typeof name !== "string";
  const bytes = isGiven ? name : readFileSync(new URL(`samples/${name}.elf`, GUEST));
  return { sha256: createHash("sha256").update(bytes).digest("hex"), bytes };
}

export interface MachineOptions {
  readonly id: string;
  readonly program: string | Uint8Array;
  readonly host: number;
  readonly harts?: number;
  readonly peer?: string;
  readonly rng?: boolean;
  readonly disk?: boolean;
  /** It starts in supervisor mode, and its host answers its calls. */
  readonly firmware?: boolean;
  readonly typed?: readonly Typing[];
}

export interface MachineWorldOptions {
  readonly machines: readonly MachineOptions[];
  readonly slice?: number;
  readonly engine?: "compiled" | "reference";
  readonly gate?: Partial<GateOptions>;
  readonly constants?: Partial<WorldConstants>;
  readonly lossPerMillion?: number;
  readonly stopsAtAlerts?: true;
}

const wire = component<{ readonly lossPerMillion: number }, PlainObject, PlainObject>({
  kind: "wire",
  handlers: {},
  carry: (self, envelope) => {
    if (self.draw("loss", bernoulli(self.config.lossPerMillion)) === 1) return;
    self.deliver(envelope, 30_000 + self.draw("latency", exponential(20_000)));
  },
});

const LATENCY = exponential(80_000);

const disk = component<PlainObject, PlainObject, PlainObject>({
  kind: "plain-disk",
  handlers: {
    io: (self, request: Request<BlockRequest>) =>
      void self.after(20_000 + self.draw("latency", LATENCY), "serve", request as never),
    serve: (self, request: Request<BlockRequest>) => {
      const { body } = request;
      const content = self.content("platter", SECTORS);
      if (body.op === "read")
        return self.reply(request, { runs: content.read(body.sector, body.sectors) });
      if (body.op === "write") content.write(body.sector, body.runs);
      if (body.op === "discard")
        content.write(body.sector, [{ kind: "zero", sectors: body.sectors }]);
      self.reply(request, {});
    },
  },
});

export function specOf(options: MachineOptions, memoryMiB = 1): GuestSpec {
  const { id, peer, harts = 1, rng = false, typed = [] } = options;
  const { sha256 } = program(options.program);
  const number = id.charCodeAt(id.length - 1) & 15;
  const nics = peer === undefined ? [] : [{ id: "net0", mac: `02:00:00:00:00:0${number}` }];
  const disks = options.disk ? [{ id: "data", sectors: SECTORS }] : [];
  const config: MachineConfig = {
    board: {
      harts,
      memoryMiB,
      quantum: 500,
      instructionsPerSecond: 100_000_000,
      disks,
      nics,
      rng,
      virtioConsole: false,
      boot: { kind: "elf", file: sha256, firmware: options.firmware === true },
    },
    peers: peer === undefined ? {} : { net0: peer },
    typed,
  };
  return {
    vm: id,
    kind: REAL_GUEST,
    config: config as unknown as PlainObject,
    disks: disks.map((each) => ({ ...each, number: 1, losesUnflushed: false })),
    vcpus: harts,
    memoryPages: memoryMiB * 256,
  };
}

export function machinesOf(
  names: readonly (string | Uint8Array)[],
  { slice = 10_000_000, engine = "compiled" }: Partial<MachineWorldOptions> = {},
): Machines {
  const files = new Map(names.map((name) => [program(name).sha256, program(name).bytes]));
  return {
    file: (sha256) => files.get(sha256)!,
    pageOfFile: pagesOfFiles(files.values()),
    engine: (options) =>
      engine === "compiled"
        ? new rv64.CompiledEngine({ ...options, module: MODULE, codePages: 64 })
        : new rv64.ReferenceEngine(options),
    slice,
  };
}

export interface MachineWorld {
  readonly world: World;
  readonly vmm: Vmm;
  readonly hosts: readonly DomainId[];
  readonly records: readonly VmRecord[];
  readonly start: (at: number) => MachineEntity;
  /** What each console showed. */
  readonly consoles: { readonly [vm: string]: string[] };
}

/** All machines are powered on at the start. */
export function machineWorld(options: MachineWorldOptions): MachineWorld {
  const world = new World({
    gate: { seed: 1, ...options.gate },
    ...(options.constants && { constants: options.constants }),
  });
  const machines = machinesOf(
    options.machines.map((each) => each.program),
    options,
  );
  const vmm = createVmm({ capture: () => undefined as never }, [], machines);
  const outside = world.addDomain("outside");
  const hosts = [world.addDomain("a"), world.addDomain("b")];
  const wires = world.addDomain("wire");
  world.addInvariants(vmInvariants);
  const { lossPerMillion = 0 } = options;
  const cable = world.spawn(wire, { lossPerMillion }, { domain: wires, name: "cable" });
  world.messenger.connect(hosts[0]!, hosts[1]!, cable.id);
  world.messenger.connect(hosts[1]!, hosts[0]!, cable.id);
  const disks = options.machines.map(({ id, host }): EntityId => {
    return world.spawn(disk, {}, { domain: hosts[host]!, name: `${id}-disk` }).id;
  });
  const records = options.machines.map((each) =>
    spawnVmRecord(world, vmm, outside, {
      spec: specOf(each),
      shares: 1,
      ...(options.stopsAtAlerts && { stopsAtAlerts: true }),
    }),
  );
  const start = (at: number): MachineEntity => {
    const machine = options.machines[at]!;
    const vm = powerOn(records[at]!, { domain: hosts[machine.host]!, cpu: -1 })!;
    attachDisks(vm, machine.disk ? [disks[at]!] : []);
    return vm as unknown as MachineEntity;
  };
  const consoles: { [vm: string]: string[] } = {};
  for (const { id } of options.machines) consoles[id] = [];
  world.hooks.onNotice = ({ kind, data }) => {
    if (kind === "console-output") consoles[data["vm"] as string]!.push(data["text"] as string);
  };
  return { world, vmm, hosts, records, start, consoles };
}
