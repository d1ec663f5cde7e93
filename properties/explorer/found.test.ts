/** Documents with which searches found what was wrong: each passes since it was mended. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { prepareScenario } from "../../scenarios/index.ts";
import { runDocument } from "./run-document.ts";

/** None of them does so much: an operation that never ends asks the same again and again. */
const MOST_EVENTS = 20_000;

const FOLDER = new URL("./found/", import.meta.url);

describe("what searches found", () => {
  it.each(readdirSync(FOLDER))("%s", async (name) => {
    const prepared = await prepareScenario(new URL(name, FOLDER).pathname);
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    const { scenario } = prepared;
    const { violations, events, root } = runDocument(scenario, scenario.document);
    expect(violations).toEqual([]);
    expect(events).toBeLessThan(MOST_EVENTS);
    // Looking at it in between changes nothing.
    expect(runDocument(scenario, scenario.document, { keepEvery: 1 }).root).toBe(root);
  });
});
