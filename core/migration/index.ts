/** The door of migration: machines that move between hosts while they run. */
export { cancelMigration, moveOfVm } from "./cancel.ts";
export { evacuate, type Evacuee } from "./evacuation/evacuate.ts";
export { migrate } from "./migrate.ts";
export { createMigration } from "./migration.ts";
export type { MigrateParams, MigrationSettings } from "./settings.ts";
