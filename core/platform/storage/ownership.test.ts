/** Requests under an ownership that has changed: when they arrive, in the queue, and in a power loss. */
import { describe, expect, it } from "vitest";
import { addVolume, putFile, spawnArray, volumeContent } from "./array.ts";
import type { DiskOwnership, OwnerStamp } from "./ownership.ts";
import { answersOf, askAt, newClient, newWorld, stampRun } from "./testing/bench.ts";
import { MEDIUM } from "./testing/stacks.ts";

const FILE = "db-data.owner";

const owned = (owner: string | null, epoch: number): DiskOwnership => ({
  vm: "db",
  owner,
  epoch,
  request: `take ${epoch}`,
  former: [],
  filters: [],
});

const stamp = (owner: string, epoch: number, checksEpoch = true): OwnerStamp => ({
  file: FILE,
  owner,
  epoch,
  checksEpoch,
});

function rig(queueDepth = 4) {
  const world = newWorld({
    seed: 1,
    steer: ({ purpose }) => (purpose === "crash-pattern" ? 1 : undefined),
  });
  const domain = world.addDomain("array");
  const client = newClient(world, domain);
  const array = spawnArray(world, {
    ...MEDIUM,
    queueDepth,
    name: "array",
    domain,
    capacityBytes: 64 * 4096,
    grainBytes: 4096,
    cacheProtected: true,
  });
  addVolume(array, "db-data", 64);
  putFile(array, FILE, owned("alpha", 1));
  let tags = 0;
  const send = (verb: string, body: object, atNs = 0): number => {
    askAt(client, atNs, array, ++tags, body as never, verb);
    return tags;
  };
  const io = (sector: number, by: OwnerStamp | null, atNs = 0): number => {
    const request = { op: "write", sector, sectors: 1, runs: [stampRun(100 + sector, 1)] };
    const number = tags + 1;
    const sent = { sender: "s", session: 0, number, oldest: 1, owner: "s", stamp: by };
    return send("volume-io", { volume: "db-data", request, ...sent }, atNs);
  };
  const codeOf = (tag: number): string => {
    const answer = answersOf(client).find((each) => each.tag === tag);
    return answer === undefined ? "none" : answer.ok ? "ok" : answer.code;
  };
  const isWritten = (sector: number): boolean =>
    volumeContent(array, "db-data")!.allocatedRuns(sector, 1).length > 0;
  return { world, domain, send, io, codeOf, isWritten };
}

const change = (owner: string | null, epoch: number) => ({
  name: FILE,
  value: owned(owner, epoch),
});

describe("a stamped request", () => {
  it("is done for the owner in its epoch, and for nobody else", () => {
    const at = rig();
    const stamps = [
      stamp("alpha", 1),
      stamp("alpha", 2),
      stamp("beta", 1),
      { ...stamp("alpha", 1), file: "none.owner" },
      null,
    ];
    const tags = stamps.map((each, sector) => at.io(sector, each));
    at.world.run();
    const codes = tags.map(at.codeOf);
    expect(codes).toEqual(["ok", "not-owner", "not-owner", "not-owner", "ok"]);
  });

  it("that waits in the queue while the disk changes hands, is refused when its turn comes", () => {
    const at = rig(1);
    const first = at.io(1, stamp("alpha", 1));
    const handoff = at.send("file-write", change("beta", 2));
    const late = at.io(2, stamp("alpha", 1));
    const next = at.io(3, stamp("beta", 2));
    at.world.run();
    expect([first, handoff, late].map(at.codeOf)).toEqual(["ok", "ok", "not-owner"]);
    expect([1, 2].map(at.isWritten)).toEqual([true, false]);
    // It came before the change was done, and stands for a right that did not exist yet.
    expect(at.codeOf(next)).toBe("not-owner");
  });

  it("in service when the power goes does not land under an ownership that ended", () => {
    for (const [owner, lands] of [
      ["alpha", true],
      ["beta", false],
    ] as const) {
      let seen = 0;
      // Arrives while the change is in service, and is in service still when that is done.
      for (let atNs = 1_000; atNs < 200_000; atNs += 10_000) {
        const at = rig(2);
        const handoff = at.send("file-write", change(owner, owner === "alpha" ? 1 : 2));
        const late = at.io(5, stamp("alpha", 1), atNs);
        while (at.codeOf(handoff) === "none") {
          at.world.run({ untilEvent: at.world.eventCount + 1 });
        }
        if (at.codeOf(late) !== "none" || at.world.timeNs < atNs) continue;
        at.world.crash(at.domain, "test");
        seen++;
        expect(at.isWritten(5), owner).toBe(lands);
      }
      expect(seen, owner).toBeGreaterThan(0);
    }
  });

  it("canary: by the owner's name alone, an earlier time of the same owner passes", () => {
    const at = rig();
    at.send("file-write", change("beta", 2));
    at.send("file-write", change("alpha", 3), 50_000_000);
    const [strict, lax] = [true, false].map((checks) =>
      at.io(checks ? 7 : 8, stamp("alpha", 1, checks), 100_000_000),
    );
    at.world.run();
    expect([at.codeOf(strict!), at.codeOf(lax!)]).toEqual(["not-owner", "ok"]);
  });
});
