// A random sample of mutants for a figure in minutes instead of hours: `ORRERY_MUTATE_SAMPLE=0.03 npm run mutation`
// tries every mutant with this probability, decided by the hash of a seed (`ORRERY_MUTATE_SEED`, 1 unless told) and the
// mutant itself, so that the same ones are chosen in any order and anywhere. The others are passed over by a checker
// before a test is run for them; Stryker counts what a checker rejects in no score.
import { createHash } from "node:crypto";

const rate = Number(process.env.ORRERY_MUTATE_SAMPLE ?? 1);
const seed = process.env.ORRERY_MUTATE_SEED ?? "1";

/** Whether a mutant is in the sample: `file` from the root of the repository on. */
export function isSampled({ file, mutatorName, location, replacement }, share, salt) {
  const { start, end } = location;
  const place = [start.line, start.column, end.line, end.column];
  const text = JSON.stringify([salt, file, mutatorName, place, replacement ?? ""]);
  return createHash("sha256").update(text).digest().readUIntBE(0, 6) / 2 ** 48 < share;
}

const Z = 1.959964;

/**
 * Share of `noticed` among `all` with its 95 % interval (E. B. Wilson, "Probable Inference", JASA 22, 1927), narrowed for
 * drawing from `population` mutants without putting back.
 */
export function interval(noticed, all, population = Infinity) {
  if (all === 0) return { share: 0, low: 0, high: 1 };
  const share = noticed / all;
  const left = population === Infinity ? 1 : Math.max(0, (population - all) / (population - 1));
  const z = Z * Math.sqrt(left);
  const wide = 1 + z ** 2 / all;
  const middle = (share + z ** 2 / (2 * all)) / wide;
  const half = (z / wide) * Math.sqrt((share * (1 - share)) / all + z ** 2 / (4 * all ** 2));
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

const NOTICED = ["Killed", "Timeout"];
const MISSED = ["Survived", "NoCoverage"];

/** What a report of a sampled run says: counts, share and interval, and who survived. */
export function scoreOf({ files }) {
  const mutants = Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants.map((mutant) => ({ file, ...mutant })),
  );
  const noticed = mutants.filter(({ status }) => NOTICED.includes(status)).length;
  const missed = mutants.filter(({ status }) => MISSED.includes(status));
  const passedOver = mutants.filter(({ statusReason }) => statusReason === LEFT_OUT).length;
  const sampled = noticed + missed.length;
  const population = sampled + passedOver;
  return { sampled, population, noticed, missed, ...interval(noticed, sampled, population) };
}

const LEFT_OUT = "not in the sample";

class SampleChecker {
  async init() {}

  group(mutants) {
    return [mutants.map(({ id }) => id)];
  }

  async check(mutants) {
    const result = ({ fileName, ...mutant }) =>
      isSampled({ file: fromRoot(fileName), ...mutant }, rate, seed)
        ? { status: "passed" }
        : { status: "compileError", reason: LEFT_OUT };
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, result(mutant)]));
  }
}

/** A sandbox has another folder before it. */
const fromRoot = (path) => path.replaceAll("\\", "/").replace(/^.*\/(?=core\/)/, "");

class SampleReporter {
  onMutationTestReportReady(report) {
    const { sampled, population, noticed, missed, share, low, high } = scoreOf(report);
    const percent = (part) => (part * 100).toFixed(1);
    for (const { file, location, mutatorName, replacement, status } of missed) {
      const text = (replacement ?? "").replaceAll(/\s+/g, " ").slice(0, 100);
      console.log(`${status}: ${file}:${location.start.line} ${mutatorName}: ${text}`);
    }
    console.log(
      `${noticed} of ${sampled} sampled mutants noticed (of ${population}, seed ${seed}): ` +
        `${percent(share)} %, 95 % interval ${percent(low)} to ${percent(high)} %`,
    );
  }
}

// The words are those by which Stryker knows plugins.
export const strykerPlugins = [
  { kind: "Checker", name: "sample", injectableClass: SampleChecker },
  { kind: "Reporter", name: "sample", injectableClass: SampleReporter },
];
