/** Documents that searches found violations with: each passes since what was wrong was mended. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { prepareScenario } from "../../scenarios/index.ts";
import { runDocument } from "./run-document.ts";

const FOLDER = new URL("./found/", import.meta.url);

describe("what searches found", () => {
  it.each(readdirSync(FOLDER))("%s", async (name) => {
    const prepared = await prepareScenario(new URL(name, FOLDER).pathname);
    if (!prepared.ok) throw new Error(prepared.problems[0]!.message);
    const { scenario } = prepared;
    expect(runDocument(scenario, scenario.document).violations).toEqual([]);
  });
});
