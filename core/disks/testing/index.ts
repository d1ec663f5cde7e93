/** The door of what tests and measurements of disks are built with. */
export { chainOf } from "./chains.ts";
export { scanOf } from "./array-scan.ts";
export { diskBench, type DiskBench } from "./disk-bench.ts";
