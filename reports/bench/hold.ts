// The hold model, recording on to a real file, beside SimPy and ns-3, which record nothing.
import { join } from "node:path";
import { holdRun, ns3Peer, type Peer, scratch, simpyPeer } from "./processes.ts";
import { median, ratioOf, type Row, verdictOf } from "./row.ts";

const TIMERS = [64, 1_024, 65_536];
const PAIRS = 7;
const EVENTS = 3_000_000;
const SLOW_EVENTS = 300_000;

export function benchHold(): Row[] {
  const peers = [
    { name: "SimPy", peer: simpyPeer(), events: SLOW_EVENTS, goal: 6 },
    { name: "ns-3", peer: ns3Peer(), events: EVENTS, goal: 1 },
  ];
  return TIMERS.flatMap((timers) =>
    peers.map(({ name, peer, events, goal }) => {
      const what = `hold model, ${timers.toLocaleString("en")} timers, recorded`;
      if (peer === undefined) return skipped(what, name, goal);
      return against(what, name, peer, timers, events, goal);
    }),
  );
}

function against(
  what: string,
  name: string,
  peer: Peer,
  timers: number,
  events: number,
  goal: number,
): Row {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const { wallSeconds } = holdRun(timers, EVENTS, join(scratch, "hold.orrery"));
    ours.push(EVENTS / wallSeconds / 1e6);
    theirs.push(1 / peer(timers, events));
  }
  const ratio = ratioOf(ours.map((speed, pair) => speed / theirs[pair]!));
  return {
    what,
    reached: `${median(ours).toFixed(2)} M events/s`,
    peer: `${name} ${median(theirs).toFixed(2)} M events/s`,
    ratio,
    goal: `${goal}x or more`,
    verdict: verdictOf(ratio.median >= goal),
  };
}

function skipped(what: string, name: string, goal: number): Row {
  const peer = `${name} is not installed`;
  return {
    what,
    reached: "",
    peer,
    ratio: undefined,
    goal: `${goal}x or more`,
    verdict: "skipped",
  };
}
