/**
 * Faults of a medium: armed for the next requests by the driver (`arm-fault`), or struck by chance.
 * Each strike is told as a notice "fault" {fault, medium, ...}.
 */
import {
  assert,
  type Distribution,
  type Editable,
  expandRuns,
  type Request,
  SECTOR_BYTES,
  uniform,
} from "../../kernel/index.ts";
import { overlaps, type WriteRequest } from "./block.ts";
import {
  type BadSectors,
  type Behaviour,
  currentContent,
  type DeviceDurable,
  type DeviceEntity,
  durableContent,
} from "./device-state.ts";
import { perMillion } from "./fault-rates.ts";
import { drawTorn } from "./write-cache.ts";

/** What the driver asks for. Counted kinds add up; the others replace what was set before. */
export type ArmFault =
  | {
      readonly kind:
        | "lost-write"
        | "torn-write"
        | "misdirected-write"
        | "lying-flush"
        | "bit-rot"
        | "latent-error";
      readonly count: number;
    }
  | { readonly kind: "no-space"; readonly on: boolean }
  /** Every service time is multiplied by `factor`; 1 heals. */
  | { readonly kind: "slow"; readonly factor: number };

const BIT: Distribution = uniform(SECTOR_BYTES * 8);

export function armFault(
  self: DeviceEntity,
  behaviour: Behaviour,
  request: Request<ArmFault>,
): void {
  const { body } = request;
  const { armed } = self.editDurable();
  switch (body.kind) {
    case "lost-write":
      armed.lostWrites += body.count;
      break;
    case "torn-write":
      armed.tornWrites += body.count;
      break;
    case "misdirected-write":
      armed.misdirectedWrites += body.count;
      break;
    case "lying-flush":
      armed.lyingFlushes += body.count;
      break;
    case "bit-rot":
      for (let i = 0; i < body.count; i++) rotWritten(self, behaviour);
      break;
    case "latent-error":
      for (let i = 0; i < body.count; i++) spoilWritten(self, behaviour);
      break;
    case "no-space":
      armed.noSpace = body.on;
      break;
    case "slow":
      assert(body.factor > 0, () => `slow factor ${body.factor}`);
      armed.slowFactor = body.factor;
      break;
  }
  self.reply(request, {});
}

function strike(self: DeviceEntity, fault: string, data: { [name: string]: string | number }) {
  self.notice("fault", { fault, ...data });
}

type CountedFault = "lostWrites" | "tornWrites" | "misdirectedWrites" | "lyingFlushes";

/** Takes one armed strike, else draws at the rate. */
function strikes(
  self: DeviceEntity,
  count: CountedFault,
  rate: Distribution | undefined,
  purpose: string,
): boolean {
  if (self.durable.armed[count] > 0) {
    self.editDurable().armed[count]--;
    return true;
  }
  return rate !== undefined && self.draw(purpose, rate) === 1;
}

/** What of a write lands, and where; undefined: nothing, and the host is told all is well. */
export function landing(
  self: DeviceEntity,
  medium: string,
  write: WriteRequest,
): WriteRequest | undefined {
  const { rates } = self.config;
  const { sector, sectors } = write;
  if (strikes(self, "lostWrites", rates.lostWrite, "lost-write")) {
    strike(self, "lost-write", { medium, sector, sectors });
    return undefined;
  }
  if (strikes(self, "misdirectedWrites", rates.misdirectedWrite, "misdirected-write")) {
    const places = durableContent(self, medium).sectors - sectors + 1;
    const landed = self.draw("misdirected-to", uniform(places));
    strike(self, "misdirected-write", { medium, sector, sectors, landed });
    return { ...write, sector: landed };
  }
  if (sectors > 1 && strikes(self, "tornWrites", undefined, "")) {
    const torn = drawTorn(self, write, "torn-landing");
    strike(self, "torn-write", { medium, sector, sectors, landed: torn.sectors });
    return { ...write, sector: torn.sector, sectors: torn.sectors, runs: torn.runs! };
  }
  return write;
}

export function flushLies(self: DeviceEntity, medium: string): boolean {
  if (!strikes(self, "lyingFlushes", self.config.rates.lyingFlush, "lying-flush")) return false;
  strike(self, "lying-flush", { medium });
  return true;
}

// --- sectors that cannot be read ------------------------------------------------------------------

export function isBad(self: DeviceEntity, medium: string, sector: number, sectors: number) {
  return self.durable.bad.some(
    (each) => each.medium === medium && overlaps(each, { sector, sectors }),
  );
}

/** What is rewritten can be read again; then the rate may spoil a sector of it. */
export function afterWriting(
  self: DeviceEntity,
  medium: string,
  sector: number,
  sectors: number,
): void {
  if (isBad(self, medium, sector, sectors)) healSectors(self, medium, sector, sectors);
  const rate = self.config.rates.latentErrorPerSector;
  if (rate === 0 || self.draw("latent-error", perMillion(rate * sectors)) === 0) return;
  spoil(self, medium, sector + self.draw("latent-error-at", uniform(sectors)));
}

function healSectors(self: DeviceEntity, medium: string, sector: number, sectors: number): void {
  const past = sector + sectors;
  const durable = self.editDurable();
  durable.bad = durable.bad.flatMap((each): Editable<BadSectors>[] => {
    if (each.medium !== medium || !overlaps(each, { sector, sectors })) return [each];
    const parts: Editable<BadSectors>[] = [];
    const end = each.sector + each.sectors;
    if (each.sector < sector) {
      parts.push({ medium, sector: each.sector, sectors: sector - each.sector });
    }
    if (end > past) parts.push({ medium, sector: past, sectors: end - past });
    return parts;
  });
}

function spoil(self: DeviceEntity, medium: string, sector: number): void {
  const durable = self.editDurable() as Editable<DeviceDurable>;
  durable.bad.push({ medium, sector, sectors: 1 });
  strike(self, "latent-error", { medium, sector });
}

function spoilWritten(self: DeviceEntity, behaviour: Behaviour): void {
  const place = drawWritten(self, behaviour);
  if (place !== undefined) spoil(self, place.medium, place.sector);
}

// --- bits that flip -------------------------------------------------------------------------------

/** At each read: the rate may flip a bit of what is read. */
export function rotOnRead(
  self: DeviceEntity,
  medium: string,
  sector: number,
  sectors: number,
): void {
  const rate = self.config.rates.bitRotPerSector;
  if (rate === 0 || self.draw("bit-rot", perMillion(rate * sectors)) === 0) return;
  flipBit(self, medium, sector + self.draw("bit-rot-at", uniform(sectors)));
}

function rotWritten(self: DeviceEntity, behaviour: Behaviour): void {
  const place = drawWritten(self, behaviour);
  if (place !== undefined) flipBit(self, place.medium, place.sector);
}

/** The medium rots; what the cache still holds over it stays sound. */
function flipBit(self: DeviceEntity, medium: string, sector: number): void {
  const content = durableContent(self, medium);
  const current = currentContent(self, medium);
  const same = current.equals(content, { span: { sector, sectors: 1 } });
  const bytes = new Uint8Array(SECTOR_BYTES);
  expandRuns(content.read(sector, 1), bytes);
  const bit = self.draw("bit-rot-bit", BIT);
  bytes[bit >> 3]! ^= 1 << (bit & 7);
  content.writeBytes(sector, bytes);
  if (same && current !== content) current.writeBytes(sector, bytes);
  strike(self, "bit-rot", { medium, sector, bit });
}

/** A sector that was written, each as likely; undefined when nothing was. */
function drawWritten(
  self: DeviceEntity,
  behaviour: Behaviour,
): { readonly medium: string; readonly sector: number } | undefined {
  const media = behaviour.media(self);
  const written = media.map((medium) => durableContent(self, medium).allocatedSectors);
  const total = written.reduce((sum, sectors) => sum + sectors, 0);
  if (total === 0) return undefined;
  let left = self.draw("fault-place", uniform(total));
  const at = written.findIndex((sectors) => {
    if (left < sectors) return true;
    left -= sectors;
    return false;
  });
  const medium = media[at]!;
  for (const range of durableContent(self, medium).allocatedRuns()) {
    if (left < range.sectors) return { medium, sector: range.sector + left };
    left -= range.sectors;
  }
  return undefined;
}
