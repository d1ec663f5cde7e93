/**
 * One-way imports and doors, as design 2 fixes them. Read by scripts/check-imports.ts, which also
 * fails when the cruiser saw no modules, and by properties/tidy/tidy.test.ts.
 */

/** From the bottom up: a folder imports only itself and what stands before it. */
const LAYERS = ["core", "traces", "scenarios", "properties", "reports", "cli"];

/** Inside core, the same; the mechanisms stand side by side on top. */
const CORE_LAYERS = ["kernel", "platform", "guest", "vmm", "disks"];
const MECHANISMS = ["checkpoints", "migration", "fault-tolerance", "attestation"];

/** Tests and their helpers may enter a folder below them by any file. */
const TESTS = ["\\.(test|hunt|bench)\\.ts$", "/(testing|bench)/"];

/** Folders with a door of their own. Longer paths come first: the alternatives are tried in turn. */
const ROOMS = "core/[^/]+|traces|scenarios|properties|reports|cli";

/** Rooms inside a room: siblings enter by the door; from outside the room only its own door leads in. */
const INNER_ROOMS = "core/guest/rv64|traces/format|traces/images|scenarios/captures";

const oneWay = (name, parent, lower, higher) => ({
  name,
  severity: "error",
  comment: `${lower} may not import ${higher.join(", ")}`,
  from: { path: `^${parent}${lower}/` },
  to: { path: `^${parent}(${higher.join("|")})/` },
});

/** The one file behind every runnable scenario: it may load the command line, dynamically. */
const RUN_IF_MAIN = "^scenarios/run-if-main\\.ts$";

const layerRules = LAYERS.slice(0, -1).map((lower, index) => {
  const rule = oneWay(`layers-${lower}`, "", lower, LAYERS.slice(index + 1));
  return lower === "scenarios" ? { ...rule, from: { ...rule.from, pathNot: RUN_IF_MAIN } } : rule;
});

const coreRules = CORE_LAYERS.map((lower, index) =>
  oneWay(`core-${lower}`, "core/", lower, [...CORE_LAYERS.slice(index + 1), ...MECHANISMS]),
);

export default {
  forbidden: [
    ...layerRules,
    ...coreRules,
    {
      name: "run-if-main-only-dynamically",
      severity: "error",
      comment: "the listed exception loads cli/main.ts dynamically and nothing else",
      from: { path: RUN_IF_MAIN },
      to: {
        path: "^(properties|reports|cli)/",
        dependencyTypesNot: ["dynamic-import"],
      },
    },
    {
      name: "doors",
      severity: "error",
      comment:
        "another folder is entered by its index.ts (the package's door: scenarios/public.ts)",
      from: { path: `^(${ROOMS})/`, pathNot: TESTS },
      to: {
        path: `^(${ROOMS})/`,
        pathNot: ["^$1/", `^(${ROOMS})/index\\.ts$`, "^scenarios/public\\.ts$", "^cli/main\\.ts$"],
      },
    },
    {
      name: "inner-doors",
      severity: "error",
      comment: "a room inside a room is entered by its own index.ts",
      from: { path: ".", pathNot: [...TESTS, `^(${INNER_ROOMS})/`] },
      to: { path: `^(${INNER_ROOMS})/`, pathNot: [`^(${INNER_ROOMS})/index\\.ts$`] },
    },
    {
      name: "inner-doors-from-inside",
      severity: "error",
      comment: "a room inside a room is entered by its own index.ts, also from another such room",
      from: { path: `^(${INNER_ROOMS})/`, pathNot: TESTS },
      to: {
        path: `^(${INNER_ROOMS})/`,
        pathNot: ["^$1/", `^(${INNER_ROOMS})/index\\.ts$`],
      },
    },
    {
      name: "never-the-own-door",
      severity: "error",
      comment: "siblings import each other's files",
      from: { path: `^(${INNER_ROOMS}|${ROOMS})/`, pathNot: TESTS },
      to: { path: "^$1/index\\.ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "types may refer to each other, and what is loaded when called; code may not",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "dynamic-import"] } },
    },
    {
      name: "core-receives-bytes",
      severity: "error",
      comment: "core imports nothing of the machine",
      from: {
        path: "^core/",
        pathNot: [...TESTS, "^core/guest/rv64/assembly/(build|generate)\\.ts$"],
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "resolvable",
      severity: "error",
      comment: "an import leads to a file",
      from: {},
      to: { couldNotResolve: true, pathNot: "^orrery$" },
    },
    {
      name: "product-without-test-code",
      severity: "error",
      comment: "what ships does not import tests",
      from: { path: `^(${ROOMS})/`, pathNot: TESTS },
      to: { path: "\\.(test|hunt)\\.ts$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^core/guest/rv64/assembly/(?!(index|build|generate)\\.ts$)" },
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    enhancedResolveOptions: {
      extensions: [".ts", ".mjs", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
