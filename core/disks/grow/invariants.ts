/** What must hold of sizes. */
import { always, type Finding, type Invariant } from "../../kernel/index.ts";
import { type ArrayEntity, volumeLabel } from "../../platform/index.ts";
import { asDescriptor, type DiskDescriptor } from "../chain/descriptor.ts";
import { fileTableOf } from "../chain/file-table.ts";

const CHANGES_SIZE = /^file .*\.vmdk$|^resize volume /;

function tooLarge(
  { durable }: ArrayEntity,
  name: string,
  sound: DiskDescriptor | undefined,
): Finding | undefined {
  const key = `file:${name}`;
  const value = sound === undefined ? durable.files[key]?.value : undefined;
  if (sound === undefined && value === undefined) return undefined;
  const { sectors, volume } = sound ?? asDescriptor(value as never);
  const has = durable.volumes[volumeLabel(volume)]?.sectors;
  if (has === undefined || has >= sectors) return undefined;
  return { message: `${key} says ${sectors} sectors, and its volume has ${has}` };
}

export const growInvariants: readonly Invariant[] = [
  always("a descriptor never says more than its volume has", {
    mechanism: "grow",
    observes: {
      durable: (entity, data): Finding | undefined => {
        if (entity.kind !== "array" || !CHANGES_SIZE.test(String(data["label"]))) return undefined;
        const array = entity as unknown as ArrayEntity;
        for (const [name, descriptor] of fileTableOf(array).descriptors) {
          const wrong = tooLarge(array, name, descriptor);
          if (wrong !== undefined) return wrong;
        }
        return undefined;
      },
    },
  }),
];
