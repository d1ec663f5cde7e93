/** Expectations: what they name exists, and bounds are bounds. */
import type { ResolvedScenario } from "../schema/scenario.generated.ts";
import type { Directory } from "./directory.ts";
import { type Finding, finding, pointerTo } from "./problem.ts";
import { checkReference } from "./references.ts";

export function checkExpectations(
  { expect }: ResolvedScenario,
  directory: Directory,
): readonly Finding[] {
  return expect.flatMap((expectation, index): readonly Finding[] => {
    const pointer = pointerTo("/expect", index);
    if ("operation" in expectation) {
      const place = pointerTo(pointer, "operation");
      return checkReference(expectation.operation, place, "operation", directory);
    }
    if ("vm" in expectation) {
      const { vm, host } = expectation;
      return [
        ...checkReference(vm, pointerTo(pointer, "vm"), "vm", directory),
        ...(host === undefined
          ? []
          : checkReference(host, pointerTo(pointer, "host"), "host", directory)),
      ];
    }
    if (!("metric" in expectation)) return [];
    const { atLeast, atMost } = expectation;
    if (atLeast === undefined && atMost === undefined) {
      return [finding(pointer, "has no bound", "atLeast, atMost or both")];
    }
    if (atLeast === undefined || atMost === undefined || atLeast <= atMost) return [];
    return [finding(pointerTo(pointer, "atMost"), `is ${atMost}`, `at least atLeast, ${atLeast}`)];
  });
}
