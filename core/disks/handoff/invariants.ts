/** What must hold of ownership, checked on each request that an array does. */
import { always, type Finding, type Invariant, sometimes } from "../../kernel/index.ts";
import { OWNED_IO, OWNERSHIP } from "../../platform/index.ts";

type Owned = {
  readonly file: string;
  readonly op: string;
  readonly by: string;
  readonly grant: number;
  readonly owner: string | null;
  readonly epoch: number;
};

type Writers = { writers: { [disk: string]: string } };
type Epochs = { epochs: { [file: string]: { owner: string | null; epoch: number } } };

export const handoffInvariants: readonly Invariant[] = [
  always("at most one writer for each disk and epoch", {
    mechanism: "handoff",
    shadow: { writers: {} },
    observes: {
      [OWNED_IO]: (entity, data, _world, editShadow): Finding | undefined => {
        const { file, op, by, grant } = data as Owned;
        if (op === "read" || op === "flush") return undefined;
        const { writers } = editShadow() as unknown as Writers;
        const key = `${entity.name} ${file} ${grant}`;
        const first = (writers[key] ??= by);
        if (first === by) return undefined;
        return { message: `${by} and ${first} both wrote ${file} in epoch ${grant}` };
      },
    },
  }),
  always("no request of a former owner takes effect", {
    mechanism: "handoff",
    observes: {
      [OWNED_IO]: (_entity, data): Finding | undefined => {
        const { file, op, by, grant, owner, epoch } = data as Owned;
        if (by === owner && grant === epoch) return undefined;
        const now = `${owner ?? "nobody"} has it in epoch ${epoch}`;
        return { message: `a ${op} of ${by} in epoch ${grant} was done on ${file}, while ${now}` };
      },
    },
  }),
  always("a disk changes hands in a new epoch only", {
    mechanism: "handoff",
    shadow: { epochs: {} },
    observes: {
      [OWNERSHIP]: (entity, data, _world, editShadow): Finding | undefined => {
        const { file, owner, epoch } = data as { file: string; owner: string; epoch: number };
        const { epochs } = editShadow() as unknown as Epochs;
        const before = epochs[`${entity.name} ${file}`];
        epochs[`${entity.name} ${file}`] = { owner, epoch };
        if (before === undefined || epoch > before.epoch) return undefined;
        if (epoch === before.epoch && (owner === null || owner === before.owner)) return undefined;
        return { message: `${file} went to ${owner} in epoch ${epoch}, after ${before.epoch}` };
      },
    },
  }),
  // Named for the operation without which there is nothing to be reached.
  sometimes("a request of a former owner is refused", { mechanism: "release-disk" }),
  sometimes("a release goes to the next filter in the chain", { mechanism: "release-disk" }),
  sometimes("the lease of an owner runs out", { mechanism: "release-disk" }),
  sometimes("two hosts want a disk at the same time", { mechanism: "release-disk" }),
];
