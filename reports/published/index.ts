/** The door of published figures: what others measured, as data, with its source. */
export { CLARK_2005, CLARK_NETWORK_MBPS, CLARK_RATES, clarkMigrations } from "./clark-2005.ts";
export { workingSetsOf } from "./working-sets.ts";
export type { PublishedMigration, Source } from "./published-migration.ts";
