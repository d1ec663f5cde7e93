/** What an operation calls itself says which start of which id it is. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { identityOf, startOf } from "./operation-identity.ts";

/** As documents give them, and as parts of operations have them. */
const ids = fc.stringMatching(/^[a-z][a-z0-9.-]{0,12}$/);

it("is read back as it was made, and is the id alone at the first start", () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 1_000 }), (id, start) => {
      expect(startOf(identityOf(id, start))).toEqual({ id, start });
      expect(identityOf(id, 1)).toBe(id);
    }),
  );
});

it("is of one start: no two share it", () => {
  const starts = [1, 2, 3, 11].map((start) => identityOf("copy", start));
  expect(new Set([...starts, identityOf("copy2")]).size).toBe(5);
  expect(startOf("copy~x")).toEqual({ id: "copy~x", start: 1 });
});
