/** What must hold of sizes. */
import { always, type Finding, type Invariant } from "../../kernel/index.ts";
import type { ArrayEntity } from "../../platform/index.ts";
import { asDescriptor } from "../chain/descriptor.ts";

const CHANGES_SIZE = /^file .*\.vmdk$|^resize volume /;

export const growInvariants: readonly Invariant[] = [
  always("a descriptor never says more than its volume has", {
    mechanism: "grow",
    observes: {
      durable: (entity, data): Finding | undefined => {
        if (entity.kind !== "array" || !CHANGES_SIZE.test(String(data["label"]))) return undefined;
        const { files, volumes } = (entity as unknown as ArrayEntity).durable;
        for (const [key, { value }] of Object.entries(files)) {
          if (!key.endsWith(".vmdk") || value === undefined) continue;
          const { sectors, volume } = asDescriptor(value as never);
          const has = volumes[`volume:${volume}`]?.sectors;
          if (has === undefined || has >= sectors) continue;
          return { message: `${key} says ${sectors} sectors, and its volume has ${has}` };
        }
        return undefined;
      },
    },
  }),
];
