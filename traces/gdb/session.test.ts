/** The protocol, against a client that only knows bytes; and against what no client would send. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rv64 } from "../../core/guest/index.ts";
import { program } from "../../core/vmm/rv64/testing/index.ts";
import { finish } from "../replaying/sliced.ts";
import type { DebugTarget } from "../debugging/index.ts";
import { frame, MOST_PACKET, PacketReader } from "./packets.ts";
import { Session } from "./session.ts";
import { debugged, recordGuests } from "../debugging/testing/index.ts";
import { hexOfText, hexOfWord, textOfHex } from "./words.ts";

const MACHINES = [{ id: "m4", program: "board/smp", host: 0, harts: 3 }] as const;
const [guest] = recordGuests(MACHINES, { crashNs: 200_000, untilNs: 4_000_000 });
const open = (): DebugTarget => debugged(guest!, ["board/smp"]).machine;
const symbols = rv64.symbolsOf(program("board/smp").bytes);
const MAIN = symbols.find("main")!.toString(16);

interface Client {
  readonly session: Session;
  /** Sends a packet; what comes back, frame aside. */
  readonly ask: (payload: string) => Promise<string>;
  readonly send: (bytes: Uint8Array) => Promise<void>;
  /** Everything that came and was not asked for yet, as text. */
  readonly take: () => string;
  isClosed: boolean;
}

function connect(target: DebugTarget): Client {
  let arrived = "";
  const client: Client = {
    isClosed: false,
    session: new Session(target, {
      send: (bytes) => void (arrived += Buffer.from(bytes).toString("latin1")),
      close: () => void (client.isClosed = true),
    }),
    take: () => {
      const taken = arrived;
      arrived = "";
      return taken;
    },
    send: (bytes) => client.session.receive(bytes),
    ask: async (payload) => {
      await client.send(Buffer.from(framed(payload), "latin1"));
      return unframed(client.take());
    },
  };
  return client;
}

function framed(payload: string): string {
  const body = payload.replace(
    /[#$}*]/g,
    (each) => `}${String.fromCharCode(each.charCodeAt(0) ^ 32)}`,
  );
  const sum = Buffer.from(body, "latin1").reduce((total, each) => (total + each) & 255, 0);
  return `$${body}#${sum.toString(16).padStart(2, "0")}`;
}

function unframed(text: string): string {
  const [, body = "nothing came"] = /^\+?\$([^]*)#[0-9a-f]{2}$/.exec(text) ?? [];
  return body.replace(/}([^])/g, (_, each: string) => String.fromCharCode(each.charCodeAt(0) ^ 32));
}

describe("a session", () => {
  it("says what it can, and describes every register that it sends", async () => {
    const { ask } = connect(open());
    const features = await ask("qSupported:multiprocess+;swbreak+;hwbreak+;xmlRegisters=i386");
    expect(features.split(";")).toEqual(
      expect.arrayContaining(["ReverseStep+", "ReverseContinue+", "swbreak+", "vContSupported+"]),
    );
    let xml = "";
    for (let more = true; more;) {
      const part = await ask(`qXfer:features:read:target.xml:${xml.length.toString(16)},3ff`);
      xml += part.slice(1);
      more = part.startsWith("m");
    }
    const bits = [...xml.matchAll(/bitsize="(\d+)"/g)].map((match) => Number(match[1]));
    const all = await ask("g");
    expect(all.length).toBe(bits.reduce((sum, each) => sum + each / 4, 0));
    let joined = "";
    for (const i of bits.keys()) joined += await ask(`p${i.toString(16)}`);
    expect(joined).toBe(all);
    expect(await ask(`p${bits.length.toString(16)}`)).toBe("E01");
    expect(xml).toContain("org.gnu.gdb.riscv.virtual");
  });

  it("shows harts as threads, and memory as it is", async () => {
    const { ask } = connect(open());
    expect(await ask("qfThreadInfo")).toBe("m1,2,3");
    expect(await ask("qsThreadInfo")).toBe("l");
    expect([await ask("T3"), await ask("T4"), await ask("Hg2"), await ask("Hg9")]).toEqual([
      "OK",
      "E01",
      "OK",
      "E01",
    ]);
    const read = rv64.readElf(program("board/smp").bytes);
    const { address, bytes } = (read.ok ? read.elf.segments : [])[0]!;
    const shown = await ask(`m${address.toString(16)},40`);
    expect(shown).toBe(Buffer.from(bytes.subarray(0, 64)).toString("hex"));
    expect(await ask("m0,10")).toBe("E14");
    expect(await ask("m800ffff8,10")).toMatch(/^[0-9a-f]{16}$/);
    expect(await ask("mffffffffffffffff,10")).toBe("E14");
  });

  it("refuses to change anything", async () => {
    const { ask } = connect(open());
    const before = await ask("g");
    for (const packet of [
      "P0=00",
      "G00",
      "M80000000,1:00",
      "X80000000,1:a",
      "P20=0000000000000000",
    ]) {
      expect(await ask(packet)).toMatch(/^E\./);
    }
    expect(await ask("g")).toBe(before);
  });

  it("goes to a breakpoint, on, and back to it, to the begin and to the end", async () => {
    const target = open();
    const { ask } = connect(target);
    await ask("qSupported:swbreak+;hwbreak+");
    expect(await ask(`Z0,${MAIN},2`)).toBe("OK");
    const hit = await ask("vCont;c");
    expect(hit).toMatch(/^T05.*thread:[123];swbreak:;$/);
    const [place, registers] = [target.place(), await ask("g")];
    expect(await ask("vCont;s:1;c")).toMatch(/^T05.*thread:[123];/);
    expect(await ask(`z0,${MAIN},2`)).toBe("OK");
    expect(await ask("vCont;c")).toContain("replaylog:end;");
    expect(target.place()).toBe(target.end);
    expect(await ask(`Z1,${MAIN},2`)).toBe("OK");
    let back = await ask("bc");
    for (; target.place() > place; back = await ask("bc")) expect(back).toContain("hwbreak:;");
    expect(target.place()).toBe(place);
    expect(await ask("g")).toBe(registers);
    await ask("Hc1");
    expect(await ask("bs")).toContain("thread:1;");
    await ask(`z1,${MAIN},2`);
    expect(await ask("bc")).toContain("replaylog:begin;");
    expect(target.place()).toBe(target.begin);
    expect(await ask("bs")).toContain("replaylog:begin;");
  });

  it("steps back the hart that is looked at, and lets one pass the breakpoints of others", async () => {
    const target = open();
    const { ask } = connect(target);
    const work = symbols.find("work")!;
    await ask(`Z0,${work.toString(16)},2`);
    const first = /thread:(\d);/.exec(await ask("vCont;c"))![1]!;
    const second = /thread:(\d);/.exec(await ask("vCont;c"))![1]!;
    expect(second).not.toBe(first);
    await ask("Hc0");
    await ask(`Hg${first}`);
    expect(await ask("bs")).toContain(`thread:${first};`);
    await ask("bc");
    // The second one comes by there, and the first one no more.
    const on = await ask(`vCont;c:${first}`);
    expect(on).toContain(`thread:${first};`);
    expect(on).toContain("replaylog:end;");
  });

  it("answers monitor commands", async () => {
    const target = open();
    const { ask } = connect(target);
    const monitor = async (command: string): Promise<string> =>
      textOfHex(await ask(`qRcmd,${hexOfText(command)}`))!;
    expect(await monitor("when")).toMatch(
      /^event 0\nretired 0\ntime 0\.000000000 s\nplace 0 of 0 to/,
    );
    expect(await monitor("goto 1000")).toContain("place 1000 of");
    expect(target.place()).toBe(1000);
    expect(await monitor("goto 99999999999")).toContain("expected a place");
    expect(await monitor("sing")).toContain("monitor when");
    expect(await ask("qRcmd,7")).toBe("E01");
    expect(await ask("vMustReplyEmpty")).toBe("");
    expect(await ask("qCRC:0,1")).toBe("");
  });

  it("acknowledges until told not to, and sends again what did not arrive", async () => {
    const client = connect(open());
    await client.send(Buffer.from(framed("qAttached")));
    expect(client.take()).toBe("+$1#31");
    await client.send(Buffer.from("-"));
    expect(client.take()).toBe("$1#31");
    await client.send(Buffer.from("$qAttached#00"));
    expect(client.take()).toBe("-");
    expect(await client.ask("QStartNoAckMode")).toBe("OK");
    await client.send(Buffer.from("+-$qAttached#00" + framed("qAttached")));
    expect(client.take()).toBe("$1#31");
    expect(await client.ask("D")).toBe("OK");
    expect(client.isClosed).toBe(true);
  });

  it("hears an interrupt during a long search", async () => {
    const target = open();
    const client = connect(target);
    await client.send(Buffer.from(framed(`Z3,${symbols.find("lock")!.toString(16)},1`)));
    finish(target.seek(target.begin, () => true));
    client.take();
    const going = client.send(Buffer.from(framed("Z2,80000000,1") + framed("vCont;c") + "\x03"));
    await going;
    expect(client.take()).toMatch(/T0[25]/);
  });
});

describe("hostile bytes", () => {
  const target = open();
  const word = fc.constantFrom(
    ..."? g G p m M X P Z z H T D k c s bc bs vCont; vCont? qXfer:features:read:target.xml: qRcmd, qSupported".split(
      " ",
    ),
  );
  const piece = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(",", ":", ";", "0", "1", "-1", "ffffffffffffffff", "80000000", MAIN, "}", "*"),
    fc.bigInt(0n, (1n << 70n) - 1n).map((value) => value.toString(16)),
  );
  const packet = fc
    .tuple(word, fc.array(piece, { maxLength: 5 }))
    .map(([name, rest]) => frame(name + rest.join("")));
  const noise = fc.uint8Array({ maxLength: 40 });
  const damaged = fc.tuple(packet, fc.nat(30), fc.nat(255)).map(([bytes, at, byte]) => {
    const copy = bytes.slice();
    copy[at % copy.length] = byte;
    return copy;
  });

  it("do not end a session, but for those that ask for it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(packet, noise, damaged), { maxLength: 12 }),
        async (all) => {
          const client = connect(target);
          for (const bytes of all) await client.send(bytes);
          if (client.isClosed) return;
          // Ends whatever packet was left open.
          await client.send(Buffer.from("#00"));
          await client.send(Buffer.from(framed("?")));
          expect(client.take()).toMatch(/T0[0-9][^]*#[0-9a-f]{2}$/);
          client.session.end();
        },
      ),
      { numRuns: 300, seed: 5 },
    );
  });

  it("are never held beyond one packet, in whatever pieces they come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (bytes, size) => {
        const whole = new PacketReader().push(bytes);
        const reader = new PacketReader();
        const pieces = [];
        for (let at = 0; at < bytes.length; at += size + 1) {
          pieces.push(...reader.push(bytes.subarray(at, at + size + 1)));
        }
        expect(pieces).toEqual(whole);
      }),
      { numRuns: 200, seed: 6 },
    );
    const long = "a".repeat(MOST_PACKET + 1);
    const [event] = new PacketReader().push(Buffer.from(framed(long)));
    expect(event).toEqual({ kind: "damaged" });
  });

  it("a frame is read back as it was written", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const payload = Buffer.from(bytes).toString("latin1");
        expect(new PacketReader().push(frame(payload))).toEqual([{ kind: "packet", payload }]);
        expect(unframed(Buffer.from(frame(payload)).toString("latin1"))).toBe(payload);
      }),
      { seed: 7 },
    );
    expect(hexOfWord(0x1234n, 4)).toBe("34120000");
  });
});
