/** The runs of an experiment: every combination of values, for every method and seed. */
import { closest } from "../../scenarios/index.ts";
import type { Experiment, Parameter, Setting, Value } from "./experiment.ts";

export interface Cell {
  readonly setting: Setting;
  readonly method: string;
}

/** All settings, the values of the last parameter varying fastest. */
export function settingsOf(parameters: readonly Parameter[]): readonly Setting[] {
  let settings: readonly Setting[] = [{}];
  for (const { name, values } of parameters) {
    settings = settings.flatMap((each) => values.map((value) => ({ ...each, [name]: value })));
  }
  return settings;
}

export const cellsOf = (experiment: Experiment): readonly Cell[] =>
  settingsOf(experiment.parameters).flatMap((setting) =>
    experiment.methods.map(({ name }) => ({ setting, method: name })),
  );

export type Changed =
  | { readonly ok: true; readonly experiment: Experiment }
  | { readonly ok: false; readonly message: string };

/** `name=value[,value…]` replaces the values of a parameter; `method=…` chooses methods. */
export function withSettings(experiment: Experiment, texts: readonly string[]): Changed {
  let changed = experiment;
  for (const text of texts) {
    const at = text.indexOf("=");
    const [name, list] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
    const words = list.split(",").filter((word) => word !== "");
    if (at < 1 || words.length === 0) {
      return { ok: false, message: `--set ${text}: expected NAME=VALUE[,VALUE…]` };
    }
    const next = name === "method" ? withMethods(changed, words) : withValues(changed, name, words);
    if (!next.ok) return next;
    changed = next.experiment;
  }
  return { ok: true, experiment: changed };
}

function withMethods(experiment: Experiment, words: readonly string[]): Changed {
  const methods = experiment.methods.filter(({ name }) => words.includes(name));
  const known = experiment.methods.map(({ name }) => name);
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) return { ok: false, message: unknownName("method", unknown, known) };
  return { ok: true, experiment: { ...experiment, methods } };
}

function withValues(experiment: Experiment, name: string, words: readonly string[]): Changed {
  const known = experiment.parameters.map((each) => each.name);
  const parameter = experiment.parameters.find((each) => each.name === name);
  if (parameter === undefined) {
    return { ok: false, message: unknownName("parameter", name, [...known, "method"]) };
  }
  const values: Value[] = [];
  for (const word of words) {
    const value = valueLike(parameter.values[0]!, word);
    if (value === undefined) {
      return { ok: false, message: `${name} is a number; ${word} is not` };
    }
    if (typeof value === "string" && !parameter.values.includes(value)) {
      return { ok: false, message: unknownName(name, value, parameter.values.map(String)) };
    }
    values.push(value);
  }
  const parameters = experiment.parameters.map((each) =>
    each.name === name ? { ...each, values } : each,
  ) as unknown as Experiment["parameters"];
  return { ok: true, experiment: { ...experiment, parameters } };
}

function valueLike(example: Value, word: string): Value | undefined {
  if (typeof example === "string") return word;
  const value = Number(word);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

function unknownName(what: string, name: string, known: readonly string[]): string {
  const meant = closest(name, known);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  return `no ${what} ${name}${hint} (one of ${known.join(", ")})`;
}
