/** The platform's door: hosts, processors, clocks, networks and storage. */
export * from "./storage/block.ts";
