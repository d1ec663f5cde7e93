/**
 * Who depends on a layer. There is no counter that could be wrong after a crash: the answer is
 * computed from what is durable on the array, that is descriptors (a child stands on its parent),
 * configurations (a VM runs on a descriptor, or keeps it as a point in time) and open intents (an
 * operation that has begun may be about to).
 */
import { type ArrayFiles, mentions } from "../chain/array-files.ts";

/**
 * Names of what would notice if the layer behind `descriptor` changed or went, apart from what is
 * listed in `except` (descriptor names, VMs, names of intent files). Empty: nobody.
 */
export function sharersOf(
  files: ArrayFiles,
  descriptor: string,
  except: readonly string[],
): string[] {
  const children = files.childrenOf(descriptor).filter((name) => !except.includes(name));
  const vms = files
    .configurations()
    .filter(({ vm }) => !except.includes(vm))
    .filter(({ running, pointsInTime }) => {
      const leaves = [running, ...pointsInTime.map(({ disks }) => disks)].flatMap((each) =>
        Object.values(each),
      );
      return leaves.some((leaf) => files.chainOf(leaf).includes(descriptor));
    })
    .map(({ vm }) => vm);
  const intents = files
    .intents()
    .filter(([name, value]) => !except.includes(name) && mentions(value, descriptor))
    .map(([name]) => name);
  return [...new Set([...children, ...vms, ...intents])].sort();
}
