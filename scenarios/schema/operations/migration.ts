/** Timeline operations that move a running VM to another host, and call that off. */
import type { Extension } from "../extension.ts";
import { amount, count, id, milliseconds, object, oneOfWords } from "../members.ts";

export const migrate: Extension = {
  family: "operation",
  name: "migrate",
  description:
    "Move a running VM to another host while it runs. Disks on arrays stay where they are, and both " +
    "hosts reach them; disks on a medium of its host go to free media of the other one (else the move " +
    "is refused: `no-disk`, `no-space`). These and the memory go over the link between the two; pages " +
    "that a restore has not brought yet do not, and are read at the destination.",
  parameters: object(
    "",
    {
      vm: id("The VM."),
      to: id("The host on which it goes on."),
      algorithm: oneOfWords(
        "`pre-copy` = rounds whose rate follows what was dirtied, then a short stop; `fixed-rate` = " +
          "rounds at `maxMbps`; `stop-and-copy` = everything while the VM stands still; `post-copy` = " +
          "the VM goes on at once, and its pages follow: those that it needs first, the others in " +
          "order at `maxMbps`. When either host is lost before all are there, the VM is lost and " +
          "restarted; while the link is cut, it stands still when it needs a page.",
        ["pre-copy", "fixed-rate", "stop-and-copy", "post-copy"],
        "pre-copy",
      ),
      minMbps: amount("Rate of the first round.", 100, { minimum: 1 }),
      maxMbps: amount(
        "Rate of the last round; a round that would have to be faster is not begun.",
        1_000,
        { minimum: 1 },
      ),
      lastMbps: amount(
        "Rate at which the rest is sent while the VM stands still; absent = `maxMbps`.",
        undefined,
        { minimum: 1 },
      ),
      stepMbps: amount("How much faster than pages were dirtied the next round is.", 50),
      stopBelowKiB: count("With less than this left the VM is stopped.", 256),
      maxRounds: count("Rounds after which it is stopped in any case.", 30, { minimum: 1 }),
      stopMs: milliseconds("What bringing the VM to a standstill takes by itself.", 0),
      startUpMs: milliseconds("What starting at the destination takes by itself.", 40),
      patienceMs: milliseconds(
        "Post-copy: a VM that waits so long for a page, without a word of the host it left, is given " +
          "up and restarted.",
        30_000,
      ),
      prefetch: oneOfWords(
        "Post-copy: what comes with a page that the VM waits for: the `group` of 8 pages in which it lies; " +
          "pages behind the `virtual` neighbours of its address, by the guest's own page table; its " +
          "`physical` neighbours.",
        ["group", "virtual", "physical"],
        "group",
      ),
      prefetchPages: count("Neighbours on each side.", 4, { minimum: 1, maximum: 512 }),
      granularity: oneOfWords(
        "Entries of the second-stage tables on which traces are set at first.",
        ["4KiB", "2MiB", "1GiB"],
        "1GiB",
      ),
      tracedBy: oneOfWords(
        "`one` = one vCPU sets traces while the others run on; `all` = all of them stop for it.",
        ["one", "all"],
        "one",
      ),
    },
    ["vm", "to"],
  ),
  references: { vm: "vm", to: "host" },
};

export const cancelMigration: Extension = {
  family: "operation",
  name: "cancel-migration",
  description:
    "Call the move of a VM off. Until it is given away it goes on where it is, and nothing is left " +
    "of the move (which ends as `cancelled`); after that the cancel is refused (`given-away`), and " +
    "so it is when the VM is not being moved (`not-moving`).",
  parameters: object("", { vm: id("The VM.") }, ["vm"]),
  references: { vm: "vm" },
};
