/** "Did you mean": the closest known word, and members that differ only in their unit. */

const UNITS: Readonly<Record<string, string>> = {
  Ns: "nanoseconds",
  Us: "microseconds",
  Ms: "milliseconds",
  S: "seconds",
  Sec: "seconds",
  Seconds: "seconds",
  Minutes: "minutes",
  Bytes: "bytes",
  KB: "10^3 bytes",
  MB: "10^6 bytes",
  GB: "10^9 bytes",
  KiB: "1,024 bytes",
  MiB: "1,048,576 bytes",
  GiB: "1,073,741,824 bytes",
  TiB: "2^40 bytes",
  Kbps: "10^3 bits a second",
  Mbps: "10^6 bits a second",
  Gbps: "10^9 bits a second",
  MBps: "10^6 bytes a second",
  GBps: "10^9 bytes a second",
  Percent: "hundredths",
  PerMillion: "chances in a million",
  Ppm: "millionths",
  Probability: "a chance from 0 to 1",
};

const unitsLongestFirst = Object.keys(UNITS).sort((a, b) => b.length - a.length);

/** `latencyMs` is `latency` and `Ms`; a name without a unit has the unit "". */
function splitUnit(name: string): readonly [base: string, unit: string] {
  const unit = unitsLongestFirst.find(
    (suffix) => name.endsWith(suffix) && /[a-z0-9]$/.test(name.slice(0, -suffix.length)),
  );
  return unit === undefined ? [name, ""] : [name.slice(0, -unit.length), unit];
}

/** What a stranger may have meant: as above, or with the unit's letters in another case. */
function looseBase(name: string): string {
  const [base, unit] = splitUnit(name);
  if (unit !== "") return base.toLowerCase();
  const lower = name.toLowerCase();
  const suffix = unitsLongestFirst.find(
    (candidate) => candidate.length > 1 && lower.endsWith(candidate.toLowerCase()),
  );
  return suffix === undefined ? lower : lower.slice(0, -suffix.length).replace(/_$/, "");
}

/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(
        rows[i - 1]![j]! + 1,
        row[j - 1]! + 1,
        rows[i - 1]![j - 1]! + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/** The known word closest to `word`, if one is close enough to be meant. */
export function closest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const lower = word.toLowerCase();
  const allowed = Math.max(1, Math.floor(word.length / 3));
  const best = known
    .map((candidate) => ({ candidate, edits: distance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return best !== undefined && best.edits <= allowed ? best.candidate : undefined;
}

/** The known member that `name` probably means: the same with another unit, or a close spelling. */
export function closestMember(name: string, known: readonly string[]): string | undefined {
  if (name.length > 64) return undefined;
  const base = looseBase(name);
  const withUnit = known.find((member) => {
    const [memberBase, unit] = splitUnit(member);
    return unit !== "" && memberBase.toLowerCase() === base;
  });
  return withUnit ?? closest(name, known);
}

/** `latencyUs (microseconds)`: a member and, when its name has one, its unit. */
export function withUnitWords(member: string): string {
  const words = UNITS[splitUnit(member)[1]];
  return words === undefined ? member : `${member} (${words})`;
}
