/**
 * Builds the world of a document: hosts, arrays and links, VMs with their disks and guests, the
 * driver that plays timeline and faults, and the invariants. Building draws nothing and reads
 * nothing: the same document and inputs give the same world around any gate.
 */
import { checkpointComponents, checkpointInvariants } from "../../core/checkpoints/index.ts";
import {
  diskComponents,
  diskInvariants,
  growInvariants,
  handoffInvariants,
  type NewDisk,
  provisionDisks,
  spawnKeeper,
} from "../../core/disks/index.ts";
import {
  type GuestInputs,
  type GuestKinds,
  type GuestSpec,
  type PreparedCapture,
} from "../../core/guest/index.ts";
import {
  type AnyComponent,
  assert,
  component,
  diskNumber,
  fromMs,
  type GateOptions,
  type PlainObject,
  type SectorContent,
  type Steer,
  World,
} from "../../core/kernel/index.ts";
import {
  cpuInvariants,
  initiator,
  loadDisk,
  pageCache,
  storageInvariants,
  vvolInvariants,
} from "../../core/platform/index.ts";
import { createFaultTolerance } from "../../core/fault-tolerance/index.ts";
import { hasEvacuations } from "./operations/evacuation.ts";
import { createMigration } from "../../core/migration/index.ts";
import {
  createVmm,
  type Machines,
  outputHashes,
  spawnVmRecord,
  vmInvariants,
} from "../../core/vmm/index.ts";
import {
  type DiskImage,
  imageContent,
  type OutputHash,
  type WorldBuilder,
} from "../../traces/index.ts";
import type { OwnParts } from "../define.ts";
import type { ResolvedScenario, ResolvedVm } from "../schema/scenario.generated.ts";
import { driverComponent, wireDriver } from "./driver.ts";
import { machinesOf } from "./boot-files.ts";
import { buildFabric, type Fabric, MIB, SECTORS_PER_MIB } from "./fabric.ts";
import { guestConfig } from "./guest-config.ts";
import type { ImageInput } from "./image-inputs.ts";
import type { ScenarioInput } from "./inputs.ts";
import { savesMemory } from "./operations/checkpoints.ts";
import { isOwnOperation } from "./own-parts.ts";

/** What a trace needs to re-execute a run, and to replay one guest of it alone. */
export interface ScenarioBuilder extends WorldBuilder {
  readonly outputs: (world: World) => { readonly [vm: string]: OutputHash };
  readonly guestSpec: (vm: string) => GuestSpec;
  readonly kinds: GuestKinds;
  readonly inputs: GuestInputs;
  readonly machines: Machines;
}

const PAGE_BYTES = 4_096;
/** What is first made while a world runs: a fresh world must know it to take over a snapshot. */
const MADE_LATER: readonly AnyComponent[] = [
  ...diskComponents,
  ...checkpointComponents,
  ...([initiator, pageCache] as unknown as readonly AnyComponent[]),
];

/** Domain of what no crash reaches: clients and their journals. */
const outside = component<PlainObject, PlainObject, PlainObject>({
  kind: "outside",
  shared: true,
  handlers: {},
});

const NO_IMAGES: readonly ImageInput[] = [];

/** What all documents of a scenario have in common. */
function makeShared(
  scenarioInputs: readonly ScenarioInput[],
  own: Required<OwnParts>,
  images: readonly ImageInput[],
  slice: number | undefined,
) {
  const bySha256 = new Map<string, PreparedCapture>();
  for (const input of scenarioInputs) {
    const capture = "capture" in input ? input.capture : undefined;
    if (capture !== undefined) bySha256.set(capture.sha256, capture);
  }
  const inputs: GuestInputs = {
    capture: (sha256) => {
      const capture = bySha256.get(sha256);
      assert(capture, () => `no capture with SHA-256 ${sha256}`);
      return capture;
    },
    content: contentsOf(images),
  };
  const machines = machinesOf(scenarioInputs, slice);
  const vmm = createVmm(inputs, [], machines);
  const faultTolerance = createFaultTolerance(vmm);
  const migration = createMigration(vmm);
  const driver = driverComponent(own.mechanisms);
  return { own, images, slice, inputs, machines, vmm, faultTolerance, migration, driver };
}

type Shared = ReturnType<typeof makeShared>;

/**
 * By the inputs of a scenario. A search builds thousands of its documents: their components are the
 * same, so they are made once, and what the engine learnt of their handlers stays true.
 */
const sharedBy = new WeakMap<readonly ScenarioInput[], Shared>();

function sharedOf(...[inputs, own, images, slice]: Parameters<typeof makeShared>): Shared {
  const known = sharedBy.get(inputs);
  if (known?.own === own && known.images === images && known.slice === slice) return known;
  const shared = makeShared(inputs, own, images, slice);
  sharedBy.set(inputs, shared);
  return shared;
}

/** `slice`: instructions of a real guest between two looks outside; must not matter. */
export function createBuilder(
  document: ResolvedScenario,
  scenarioInputs: readonly ScenarioInput[],
  own: Required<OwnParts>,
  images: readonly ImageInput[] = NO_IMAGES,
  slice?: number,
): ScenarioBuilder {
  const shared = sharedOf(scenarioInputs, own, images, slice);
  const { inputs, machines, vmm, faultTolerance, migration, driver } = shared;
  const specs = new Map(guestSpecs(document, scenarioInputs).map((spec) => [spec.vm, spec]));
  const guestSpec = (vm: string): GuestSpec => {
    const spec = specs.get(vm);
    assert(spec, () => `no VM ${vm}`);
    return spec;
  };
  const build = (gate: GateOptions): World => {
    const world = new World({ gate: withChoices(gate, document) });
    const { hosts, arrays, links, vms } = document;
    world.register(...MADE_LATER);
    for (const each of own.mechanisms) {
      if (isOwnOperation(each)) world.register(each.operation as never);
    }
    const driverDomain = world.addDomain("driver");
    const outsideDomain = world.addDomain("outside");
    world.spawn(outside, {}, { domain: outsideDomain, name: "outside" });
    world.addInvariants([
      ...storageInvariants,
      ...vvolInvariants,
      ...cpuInvariants,
      ...vmInvariants,
      ...diskInvariants,
      ...growInvariants,
      ...handoffInvariants,
      ...(savesMemory(document) ? checkpointInvariants : []),
      ...own.invariants,
    ]);
    const fabric = buildFabric(world, hosts, arrays, links);
    for (const { host } of fabric.hosts.values()) spawnKeeper(host);
    for (const vm of vms) {
      provision(fabric, vm, images);
      spawnVmRecord(world, vmm, outsideDomain, {
        spec: guestSpec(vm.id),
        shares: vm.shares,
        ...(["pause", "snapshot"].includes(vm.onAlert?.do ?? "log") && { stopsAtAlerts: true }),
      });
    }
    const isProtected = vms.filter(({ protection }) => protection !== undefined);
    if (isProtected.length > 0) {
      const ids = isProtected.map(({ id }) => id);
      const onHosts = [...fabric.hosts.values()].map(({ host }) => host);
      faultTolerance.wire(world, outsideDomain, onHosts, ids);
    }
    if (document.timeline.some((entry) => entry.do === "migrate") || hasEvacuations(document)) {
      migration.wire(
        world,
        [...fabric.hosts.values()].map(({ host }) => host),
      );
    }
    const entity = world.spawn(driver, { document } as never, {
      domain: driverDomain,
      name: "driver",
    });
    wireDriver(world, entity);
    own.build(world);
    return world;
  };
  return {
    build,
    vms: document.vms.map(({ id }) => id),
    durationNs: fromMs(document.durationMs),
    outputs: outputsOf,
    guestSpec,
    kinds: vmm.kinds,
    inputs,
    machines,
  };
}

/** What the document fixes is drawn so, whatever chance would say. */
function withChoices(gate: GateOptions, { choices = [] }: ResolvedScenario): GateOptions {
  if (choices.length === 0) return gate;
  // Asked for every draw of the run: what draws nothing that is fixed is passed over at once.
  const byEntity = new Map<string, (typeof choices)[number][]>();
  for (const choice of choices) {
    const known = byEntity.get(choice.entity);
    if (known === undefined) byEntity.set(choice.entity, [choice]);
    else known.push(choice);
  }
  const steer: Steer = (draw) => {
    const chosen = byEntity
      .get(draw.entity)
      ?.findLast(({ purpose, at }) => at === draw.position && purpose === draw.purpose);
    return chosen?.result ?? gate.steer?.(draw);
  };
  return { ...gate, steer };
}

/** Running hash and length of each guest's output. */
function outputsOf(world: World): { readonly [vm: string]: OutputHash } {
  const outputs: { [vm: string]: OutputHash } = {};
  for (const [vm, { hash, bytes }] of Object.entries(outputHashes(world))) {
    outputs[vm] = { hash, length: bytes };
  }
  return outputs;
}

/** What disks hold before the first power-on, each put together once. */
function contentsOf(images: readonly ImageInput[]): NonNullable<GuestInputs["content"]> {
  const contents = new Map<string, SectorContent>();
  for (const { vm, disk, image } of images) {
    if (image !== undefined) contents.set(`${vm}:${disk}`, imageContent(image));
  }
  return (vm, disk) => contents.get(`${vm}:${disk}`);
}

/** Base volumes and descriptors of the disks that lie on arrays, and the content of all. */
function provision(fabric: Fabric, vm: ResolvedVm, images: readonly ImageInput[]): void {
  const imageOf = (disk: string): DiskImage | undefined =>
    images.find((each) => each.vm === vm.id && each.disk === disk && each.image)?.image;
  for (const { id, on } of vm.disks) {
    const [local, image] = [fabric.hostDisks.get(on), imageOf(id)];
    if (local !== undefined && image !== undefined) loadDisk(local, imageContent(image));
  }
  for (const [id, array] of fabric.arrays) {
    const disks = vm.disks.filter(({ on }) => on === id);
    if (disks.length === 0) continue;
    const news = disks.map(({ id: disk, sizeMiB, grainKiB, kind }) => ({
      disk,
      sectors: sizeMiB * SECTORS_PER_MIB,
      grainSectors: grainKiB * 2,
      ...(kind === "cow" && { kind }),
      ...layersFor(kind, imageOf(disk)),
    }));
    provisionDisks(array, vm.id, news);
  }
}

/** A disk without redo logs holds the image as it reads, in one. */
function layersFor(kind: string, image: DiskImage | undefined): Pick<NewDisk, "layers"> {
  if (image === undefined) return {};
  if (kind === "redo") return { layers: image.layers };
  return { layers: [{ content: imageContent(image), pointInTime: null }] };
}

/** Disk numbers make stamps unique in the run, so they count over all VMs. */
function guestSpecs(document: ResolvedScenario, inputs: readonly ScenarioInput[]): GuestSpec[] {
  let ordinal = 0;
  return document.vms.map((vm) => ({
    vm: vm.id,
    kind: vm.guest.kind,
    config: guestConfig(document, vm, inputs) as unknown as PlainObject,
    disks: vm.disks.map(({ id, sizeMiB, cacheMode, on }) => ({
      id,
      sectors: sizeMiB * SECTORS_PER_MIB,
      number: diskNumber(ordinal++),
      losesUnflushed: losesUnflushed(document, cacheMode, on),
    })),
    vcpus: vm.vcpus,
    memoryPages: (vm.memoryMiB * MIB) / PAGE_BYTES,
  }));
}

/** Somewhere on the way down a volatile cache answers before the medium has it. */
function losesUnflushed(document: ResolvedScenario, cacheMode: string, on: string): boolean {
  if (cacheMode === "writeback") return true;
  const array = document.arrays.find(({ id }) => id === on);
  if (array !== undefined) return array.writeCacheMiB > 0 && !array.writeCacheProtected;
  const [hostId, diskId] = on.split("/");
  const host = document.hosts.find(({ id }) => id === hostId);
  return (host?.disks.find(({ id }) => id === diskId)?.writeCacheMiB ?? 0) > 0;
}
