import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonValue } from "./schema/json-schema.ts";
import { applySetting, parseSetting } from "./setting.ts";

const document: JsonValue = {
  seed: 1,
  hosts: [{ id: "alpha", cores: 8 }, { id: "beta" }],
  links: [{ between: ["alpha", "beta"], latencyUs: 25 }],
  vms: [{ id: "db", guest: { phases: [{ name: "warm", durationMs: 5 }] } }],
  timeline: [{ id: "merge", method: "mirror" }],
};

/** The document after `text`, or the message that refuses it. */
function set(text: string): JsonValue {
  const parsed = parseSetting(text);
  const applied = parsed.ok ? applySetting(document, parsed.setting) : parsed;
  return applied.ok ? applied.document : `${applied.found.pointer}: ${applied.found.message}`;
}

test.each([
  ["/seed=7", { seed: 7 }],
  ["seed=7", { seed: 7 }],
  ["/timeline/merge/method=iterative", { timeline: [{ id: "merge", method: "iterative" }] }],
  ["timeline.merge.method=iterative", { timeline: [{ id: "merge", method: "iterative" }] }],
  ["/timeline/0/method=a=b", { timeline: [{ id: "merge", method: "a=b" }] }],
  ["/hosts/beta/clock/driftPpm=-4.5", { hosts: [{}, { clock: { driftPpm: -4.5 } }] }],
  ["/links/alpha--beta/latencyUs=1", { links: [{ latencyUs: 1 }] }],
  ["/vms/db/guest/phases/warm/durationMs=9", { vms: [{ guest: { phases: [{ durationMs: 9 }] } }] }],
  ['/hosts/-={"id":"gamma"}', { hosts: [{ id: "alpha" }, { id: "beta" }, { id: "gamma" }] }],
  ["/description=two words", { description: "two words" }],
  ['/description="7"', { description: "7" }],
  ["/a~1b/c~0d=true", { "a/b": { "c~d": true } }],
])("--set %s", (text, expected) => {
  expect(set(text)).toMatchObject(expected);
});

test.each([
  ["seed", ': cannot read the setting "seed"'],
  ["=7", ': cannot read the setting "=7"'],
  ["/hosts//cores=7", ': the path of "/hosts//cores=7" has an empty part'],
  ["/hosts/alpa/cores=7", "/hosts/alpa: no such element; did you mean alpha?"],
  ["/hosts/2/cores=7", "/hosts/2: no such element"],
  ["/seed/x=7", "/seed/x: 1 has no members"],
  ["/__proto__/x=7", '/__proto__/x: "__proto__" is not allowed'],
  ['/hosts/-={"__proto__":{}}', '/hosts/-/__proto__: member "__proto__" is not allowed'],
  [
    "/hosts/alpha/constructor/prototype/x=7",
    expect.stringContaining('"constructor" is not allowed'),
  ],
])("--set %s is refused", (text, message) => {
  expect(set(text)).toEqual(message);
});

/** What a setting sets is what is read back; nothing else changes, least of all the input. */
const law = (apply: typeof applySetting) =>
  fc.property(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 2 }), (member, value) => {
    const before = JSON.stringify(document);
    const parsed = parseSetting(`/hosts/beta/${member}=${JSON.stringify(value)}`);
    const applied = parsed.ok ? apply(document, parsed.setting) : parsed;
    if (!applied.ok) return applied.found.expected === "no prototype keys";
    const { hosts, ...rest } = applied.document as { hosts: JsonValue[] };
    const { hosts: _, ...untouched } = document as { hosts: JsonValue };
    const beta = hosts[1] as Record<string, JsonValue>;
    return (
      JSON.stringify(document) === before &&
      JSON.stringify(rest) === JSON.stringify(untouched) &&
      JSON.stringify(beta[member]) === JSON.stringify(JSON.parse(JSON.stringify(value)))
    );
  });

test("a setting changes one member and leaves the input alone", () => {
  fc.assert(law(applySetting));
});

test("canary: an application that writes into the input is caught", () => {
  const careless: typeof applySetting = (target, setting) => {
    const applied = applySetting(target, setting);
    Object.assign(target as object, { touched: setting.path.length });
    return applied;
  };
  expect(fc.check(law(careless), { numRuns: 20 }).failed).toBe(true);
  delete (document as Record<string, unknown>)["touched"];
});
