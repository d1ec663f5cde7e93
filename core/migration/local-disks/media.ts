/**
 * Notes of a host's agent about its media: those that a local disk is coming to, and those that one is
 * leaving. They are durable, for a medium must be cleared also when nobody remembers the move.
 *
 * Must hold: a medium belongs to a disk if the VM's record says so, and to nobody else while there is a
 * note about it; what belongs to nobody is cleared before the note goes. A note goes only when no move
 * can change that any more: neither host knows of it.
 */
import type { EntityId, Plain, PlainObject, Reply, Request } from "../../kernel/index.ts";
import type { LocalDisk, MediumIo } from "../../disks/index.ts";
import { bytesBack, type DiskEntity, HEADER_BYTES, withoutBody } from "../../platform/index.ts";
import { diskPlace, type VmRecord } from "../../vmm/index.ts";
import { type AgentEntity, LOOK_NS } from "../coming.ts";
import { ANSWER_NS, type Reservation } from "../settings.ts";

import type { AgentDurable, MediumNote } from "./notes.ts";

type Notes = { [device: string]: MediumNote };

const notesOf = ({ durable }: AgentEntity): AgentDurable["media"] & object => durable.media ?? {};

function setNote(self: AgentEntity, device: string, note: MediumNote | null): void {
  const state = self.editDurable();
  const notes = (state.media ??= {}) as Notes;
  if (note === null) delete notes[device];
  else notes[device] = note;
  if (Object.keys(notes).length === 0) delete state.media;
}

/** Disks that move and what they are moved by. */
type Moving = Pick<Reservation, "vm" | "record" | "source">;

export function noteMedia(
  self: AgentEntity,
  { vm, record, source }: Moving,
  peer: EntityId,
  side: MediumNote["side"],
  local: readonly LocalDisk[],
): void {
  if (local.length === 0) return;
  for (const { disk, device } of local) {
    setNote(self, String(device), { side, vm, disk, record, source, peer });
  }
  self.durableStep(`media of ${vm}: ${side}`);
  self.after(LOOK_NS, "look-media");
}

type Picked =
  | { readonly ok: true; readonly local: readonly LocalDisk[] }
  | { readonly ok: false; readonly code: "no-disk" | "no-space"; readonly detail: Plain };

const MIB_SECTORS = 2_048;

/** Each disk goes to the smallest medium that has room and that nobody uses. */
export function pickMedia(self: AgentEntity, { opening }: Reservation): Picked {
  const taken = takenMedia(self);
  const free = (opening.media ?? [])
    .filter(({ device }) => !taken.has(self.world.entity(device).name))
    .sort((a, b) => a.sectors - b.sectors || a.device - b.device);
  const found = new Map<string, EntityId>();
  const largestFirst = [...opening.local].sort((a, b) => b.sectors - a.sectors);
  for (const { disk, sectors } of largestFirst) {
    const at = free.findIndex((medium) => medium.sectors >= sectors);
    const most = free.at(-1)?.sectors;
    if (most === undefined) return { ok: false, code: "no-disk", detail: disk };
    if (at < 0) {
      const needsMiB = Math.ceil(sectors / MIB_SECTORS);
      const freeMiB = Math.floor(most / MIB_SECTORS);
      return { ok: false, code: "no-space", detail: { disk, needsMiB, freeMiB } };
    }
    found.set(disk, free.splice(at, 1)[0]!.device);
  }
  const local = opening.local.map((each) => ({
    ...each,
    device: found.get(each.disk)!,
    moved: true as const,
  }));
  return { ok: true, local };
}

/** What a disk has moved to, or is about to move to or from. */
function takenMedia(self: AgentEntity): Set<string> {
  const { world } = self;
  const taken = new Set<string>();
  for (const device of Object.keys(notesOf(self))) taken.add(world.entity(Number(device)).name);
  for (const entity of world.entities()) {
    if (entity.kind !== "vm-record") continue;
    const { places = {} } = (entity as unknown as VmRecord).durable;
    for (const name of Object.values(places)) taken.add(name);
  }
  return taken;
}

type Medium = { readonly request: Request; readonly bytes: number; readonly device: EntityId };

function count(self: AgentEntity, device: EntityId, more: number): void {
  const open = (self.edit().mediumIo ??= {}) as { [device: string]: number };
  open[device] = (open[device] ?? 0) + more;
}

/** The mirror of a disk that is coming; `tag`: whom to answer. */
export function mediumIo(self: AgentEntity, request: Request<MediumIo & PlainObject>): void {
  const { vm, source, device, request: io } = request.body;
  const coming = self.volatile.coming[vm];
  const isMine = coming?.opening.local.some((each) => each.device === device) ?? false;
  if (coming?.source !== source || coming.stage !== "copying" || !isMine) {
    return self.refuse(request, "gone");
  }
  const tag = { request: withoutBody(request), bytes: bytesBack(io), device } as unknown as Plain;
  count(self, device, 1);
  self.ask(device, "io", io as unknown as Plain, { then: "medium-replied", tag });
}

export function mediumReplied(self: AgentEntity, reply: Reply): void {
  const { request, bytes, device } = reply.tag as unknown as Medium;
  count(self, device, -1);
  if (reply.ok) self.reply(request, reply.value, { bytes: HEADER_BYTES + bytes });
  else self.refuse(request, reply.code, reply.detail);
}

export function lookAtMedia(self: AgentEntity): void {
  if (self.durable.media === undefined) return;
  self.after(LOOK_NS, "look-media");
  settleMedia(self);
}

/** Whatever no move of this host needs any more is cleared, or kept for good. */
export function settleMedia(self: AgentEntity): void {
  for (const [device, note] of Object.entries(notesOf(self))) {
    if (isMoving(self, note) || note.clearing === true) continue;
    if (note.side === "coming" || !isHere(self, device, note)) decide(self, device, note);
    else {
      const { vm, source } = note;
      const tag = { device, source };
      const options = { then: "media-looked", tag, timeoutNs: ANSWER_NS };
      self.ask(note.peer, "is-coming", { vm, source }, options);
    }
  }
}

/** The destination knows of the move, or of it no more: then nothing changes where the disk is. */
export function mediaLooked(self: AgentEntity, reply: Reply): void {
  const { device, source } = reply.tag as { device: string; source: EntityId };
  const note = notesOf(self)[device];
  if (note?.source !== source || !reply.ok || note.clearing === true) return;
  if (!(reply.value as { isComing: boolean }).isComing) decide(self, device, note);
}

function isMoving(self: AgentEntity, { side, vm, source }: MediumNote): boolean {
  if (side === "coming") return self.volatile.coming[vm]?.source === source;
  return self.world.entityOrNone(source)?.domain === self.domain;
}

function isHere(self: AgentEntity, device: string, { side, record, disk }: MediumNote): boolean {
  const place = diskPlace(self.world.entity(record) as unknown as VmRecord, disk);
  if (place === undefined) return side === "leaving";
  return place === self.world.entity(Number(device)).name;
}

function decide(self: AgentEntity, device: string, note: MediumNote): void {
  if (isHere(self, device, note)) return setNote(self, device, null);
  // What is on its way to it still would come after its end.
  if ((self.volatile.mediumIo?.[device] ?? 0) > 0) return;
  setNote(self, device, { ...note, clearing: true });
  const medium = self.world.entity(Number(device)) as unknown as DiskEntity;
  const { sectors } = medium.config;
  const body = { op: "discard", sector: 0, sectors };
  self.ask(medium.id, "io", body, { then: "medium-cleared", tag: { device, flushed: false } });
}

/** Durable before it is another's; what failed is tried again. */
export function mediumCleared(self: AgentEntity, reply: Reply): void {
  const { device, flushed } = reply.tag as { device: string; flushed: boolean };
  const note = notesOf(self)[device];
  if (note === undefined) return;
  if (!reply.ok) return setNote(self, device, { ...note, clearing: false });
  if (flushed) return setNote(self, device, null);
  const options = { then: "medium-cleared", tag: { device, flushed: true } };
  self.ask(Number(device), "io", { op: "flush" }, options);
}

/** After a crash nothing is on its way any more. */
export function resumeMedia(self: AgentEntity): void {
  if (self.durable.media === undefined) return;
  for (const [device, note] of Object.entries(notesOf(self))) {
    if (note.clearing === true) setNote(self, device, { ...note, clearing: false });
  }
  self.after(0, "look-media");
}
