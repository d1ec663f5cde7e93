/** Random variants of scenarios: well-formed nearly always, decided by their choices, and varied. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { prepareScenario, type ResolvedScenario, validateDocument } from "../../scenarios/index.ts";
import { chosen, seededChooser } from "./chooser.ts";
import { drawEntry, type Ground } from "./entries.ts";
import { vocabularyOf, withoutDangling } from "./references.ts";
import { drawStory, stories } from "./stories.ts";
import { drawFeatures, drawNeighbour, drawVariant, type FeatureChoice } from "./variants.ts";

const vocabulary = vocabularyOf([]);
const ground: Ground = {
  phases: { snapshot: ["begin", "flush"], consolidate: ["copy"] },
  steps: 100,
  busyMs: 80,
  delays: [{ entity: "alpha--array", purpose: "jitter", draws: 50 }],
};

let base: ResolvedScenario;
beforeAll(async () => {
  const prepared = await prepareScenario("scenarios/storage-storm.ts");
  if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
  base = prepared.scenario.document;
});

const variant = (run: number, choice: FeatureChoice = "swarm"): ResolvedScenario => {
  const chooser = seededChooser(1, run);
  const features = drawFeatures(chooser, vocabulary, base, choice);
  return drawVariant(chooser, base, features, ground, vocabulary);
};

const problems = (document: ResolvedScenario): readonly string[] => {
  const checked = validateDocument(document, { file: "variant" });
  return checked.ok ? [] : checked.problems.map(({ pointer, message }) => `${pointer} ${message}`);
};

describe("variants", () => {
  it("are decided by their choices, and as an arbitrary they are well-formed or refused", () => {
    const documents = chosen((chooser) => {
      const features = drawFeatures(chooser, vocabulary, base, "swarm");
      return drawVariant(chooser, base, features, ground, vocabulary);
    });
    let good = 0;
    fc.assert(
      fc.property(documents, (document) => {
        if (problems(document).length === 0) good++;
      }),
      { numRuns: 60, seed: 1 },
    );
    expect(good).toBeGreaterThan(45);
    expect(variant(7)).toEqual(variant(7));
  });

  it("are nearly all well-formed, and use every kind of operation and most faults", () => {
    const kinds = new Set<string>();
    let bad = 0;
    for (let run = 0; run < 400; run++) {
      const document = variant(run, run % 2 === 0 ? "swarm" : "all");
      const chooser = seededChooser(2, run);
      const features = drawFeatures(chooser, vocabulary, base, "swarm");
      const near = drawNeighbour(chooser, document, features, ground, vocabulary);
      for (const each of [document, near]) if (problems(each).length > 0) bad++;
      for (const each of near.timeline) kinds.add(each.do);
      for (const each of near.faults) kinds.add(each.kind);
    }
    expect(bad).toBeLessThan(200);
    const missing = vocabulary.operations.filter(({ name }) => !kinds.has(name));
    expect(missing.map(({ name }) => name)).toEqual([]);
    expect([...kinds]).toEqual(
      expect.arrayContaining(["crash", "power-loss", "partition", "slow", "no-space"]),
    );
  });

  it("tell every story from beginning to end, its steps about one VM or two", () => {
    for (const [at, story] of stories.entries()) {
      const chooser = seededChooser(3, at);
      const told = drawStory(chooser, story, vocabulary, base, ground, (step) => `more-${step}`);
      expect(told.map((each) => each["do"])).toEqual(story.steps.map((step) => step.do));
      const one = told.flatMap((each) => each["vm"] ?? []);
      const isOfTwo = story.steps.some((step) => step.with?.["vm"] === "@other");
      expect(new Set(one).size).toBeLessThanOrEqual(isOfTwo ? 2 : 1);
      const timeline = [...base.timeline, ...told] as never;
      expect(problems({ ...base, timeline })).toEqual([]);
    }
  });

  it("name older checkpoints or the last one, and several hosts", () => {
    const [checkpoint, evacuate] = ["checkpoint", "evacuate"].map((each) =>
      vocabulary.operations.find(({ name }) => name === each),
    );
    const saved = { id: "save", atMs: 1, do: "checkpoint", vm: "db", on: "array" } as never;
    const document = { ...base, timeline: [saved] };
    const drawn = (kind: typeof checkpoint) =>
      Array.from({ length: 60 }, (_, run) =>
        drawEntry(seededChooser(4, run), kind!, document, ground, "more"),
      );
    const bases = new Set(drawn(checkpoint).map((entry) => entry?.["base"]));
    expect(bases).toEqual(new Set([undefined, "save", "last"]));
    const counts = drawn(evacuate).map((entry) => [entry?.["to"]].flat().length);
    expect(new Set(counts)).toEqual(new Set([1, 2]));
  });

  it("of a schedule fix a few draws", () => {
    const counts = Array.from({ length: 40 }, (_, run) => variant(run, "delays").choices?.length);
    expect(Math.max(...counts.map((count) => count ?? 0))).toBe(3);
  });

  it("lose what refers to nothing, and nothing else", () => {
    const timeline = base.timeline.filter(({ id }) => id !== "second");
    const left = withoutDangling({ ...base, timeline }, vocabulary).timeline.map(({ id }) => id);
    expect(left).toEqual(["first", "point", "forget", "copy"]);
    expect(withoutDangling(base, vocabulary)).toEqual(base);
  });
});
