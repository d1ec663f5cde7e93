/** Bugs in the protection of guest memory: a driver's calls, the two tables, alerts. */
import type { Bug } from "../bug.ts";

const UNIT = "core/guest/integrity/integrity-unit.ts";
const JUDGE = "core/vmm/integrity/judge.ts";
const TABLES = "core/vmm/integrity/tables.ts";

export const integrityBugs: readonly Bug[] = [
  {
    name: "alert-lost-on-interrupt",
    what: "writes that nobody was told of yet are forgotten when the tables change",
    mechanism: "integrity",
    file: TABLES,
    find: "  raiseAlerts(memory);\n  const before",
    replace: "  const before",
    breaks: ["every violating write raises one alert"],
  },
  {
    name: "mode-kept-on-interrupt",
    what: "what interrupts the driver runs in integrity mode",
    mechanism: "integrity",
    file: UNIT,
    find: "  mode.active = false;\n  mode.frames.push(frame);",
    replace: "  mode.frames.push(frame);",
    breaks: ["the mode is left at every interrupt"],
  },
  {
    name: "second-table-not-flushed",
    what: "a vCPU that leaves integrity mode keeps what its TLB held of the second table",
    mechanism: "integrity",
    file: TABLES,
    find: "return table === 1 ? [] : [...(before?.cached[vcpu] ?? [])];",
    replace: "return [...(before?.cached[vcpu] ?? [])];",
    breaks: ["every violating write raises one alert"],
  },
  {
    name: "devices-not-judged",
    what: "what a device writes to a protected page raises no alert",
    mechanism: "integrity",
    file: JUDGE,
    find: "  const isData = covers(state.data, page);\n",
    replace: "  if (vcpu < 0) return undefined;\n  const isData = covers(state.data, page);\n",
    breaks: ["every violating write raises one alert"],
  },
  {
    name: "forged-entry-accepted",
    what: "a call from anywhere in memory enters integrity mode",
    mechanism: "integrity",
    file: UNIT,
    find: "if (from !== state.entry) {",
    replace: "if (from === null) {",
    breaks: ["integrity mode is entered at the registered entry point only"],
  },
  {
    name: "driver-may-write-anything",
    what: "in integrity mode no write raises an alert",
    mechanism: "integrity",
    file: JUDGE,
    find: "if (isData && vcpu >= 0) {",
    replace: "if ((isData || state.tables[vcpu] === 2) && vcpu >= 0) {",
    breaks: ["every violating write raises one alert"],
  },
  {
    name: "second-vcpu-sees-second-table",
    what: "while one vCPU is in integrity mode the others use its table",
    mechanism: "integrity",
    file: JUDGE,
    find: "const table = vcpu < 0 ? 1 : state.tables[vcpu]!;",
    replace: "const table = vcpu < 0 ? 1 : state.tables.includes(2) ? 2 : 1;",
    breaks: ["no vCPU sees another's table"],
  },
  {
    name: "page-alerts-once-for-all",
    what: "the first write to a protected page takes its trace off",
    mechanism: "integrity",
    file: "core/vmm/pages/tracer.ts",
    find: "if (isIntegrity) return armed.has(page) && this.#isAlarming(page, vcpu);",
    replace: "if (isIntegrity) return armed.delete(page) && this.#isAlarming(page, vcpu);",
    breaks: ["every violating write raises one alert"],
  },
];
