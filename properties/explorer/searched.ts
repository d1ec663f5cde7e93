/** What a search works on: the scenario of a file, or documents made from nothing. */
import { prepareDocument, prepareScenario } from "../../scenarios/index.ts";
import { seededChooser } from "../arbitraries/chooser.ts";
import { drawDocument } from "../arbitraries/documents.ts";

/** In the place of a file: every run draws a datacenter of its own. */
export const GENERATED = "(generated)";

export const openSearched = (
  scenario: string,
  settings: readonly string[],
): ReturnType<typeof prepareScenario> =>
  scenario === GENERATED
    ? prepareDocument(drawDocument(seededChooser(0, 0)) as never, GENERATED)
    : prepareScenario(scenario, { settings });
