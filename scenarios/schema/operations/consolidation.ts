/** Timeline operations that give up points in time and layers. */
import type { Extension } from "../extension.ts";
import { count, id, object, oneOfWords } from "../members.ts";

const vm = id("The VM.");

export const consolidate: Extension = {
  family: "operation",
  name: "consolidate",
  description:
    "Give up a point in time: the layer above goes into its own, or, of a VM that is off or of a " +
    "branch that the VM does not run on, both into a new one. Without `point`: the lowest layer " +
    "that no point in time is kept on, as an aborted one leaves it.",
  parameters: object(
    "",
    {
      vm,
      point: id("The snapshot operation that took it, or the backup that left it."),
      method: oneOfWords(
        "`mirror` = one pass, with the guest's writes going to both; `iterative` = rounds with " +
          "helper deltas; `block-merge` = by metadata, with the guest stunned. Not looked at where " +
          "no guest writes.",
        ["mirror", "iterative", "block-merge"],
        "mirror",
      ),
      copyKiB: count("How much is locked and copied at a time.", 512, {
        minimum: 4,
        maximum: 65_536,
      }),
      maxRounds: count("Iterative: rounds after which the rest is copied in a stun.", 8, {
        minimum: 1,
        maximum: 64,
      }),
      enoughKiB: count("Iterative: what is left that is copied in a stun at once.", 1_024, {
        minimum: 1,
        maximum: 1_048_576,
      }),
    },
    ["vm"],
  ),
  references: { vm: "vm", point: "operation" },
};

export const abort: Extension = {
  family: "operation",
  name: "abort",
  description: "Ask a consolidation, promotion or backup to stop; what is done already stays.",
  parameters: object("", { vm, operation: id("The operation.") }, ["vm", "operation"]),
  references: { vm: "vm", operation: "operation" },
};
