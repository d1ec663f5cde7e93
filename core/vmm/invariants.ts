/** What must hold of virtual machines and their guests. */
import { always, type Always, type Finding, type Invariant, sometimes } from "../kernel/index.ts";
import type { GuestCheck } from "../guest/index.ts";
import { integrityInvariants } from "./integrity/invariants.ts";
import { traceInvariants } from "./pages/invariants.ts";

/** A check that guests make themselves: broken when one of them says so. */
function ownCheck(check: GuestCheck): Always {
  return always(check, {
    mechanism: "guest",
    observes: {
      finding: (_entity, data): Finding | undefined => {
        if (data["check"] !== check) return undefined;
        return { message: data["message"] as string, fields: data["fields"] as never };
      },
    },
  });
}

type Running = { running: { [vm: string]: number } };

const RUN_ENDS = new Set(["power-off", "crash"]);

export const vmInvariants: readonly Invariant[] = [
  ...traceInvariants,
  ...integrityInvariants,
  ownCheck("a guest reads what it wrote"),
  ownCheck("an acknowledged and flushed write survives"),
  ownCheck("streams of messages arrive in order"),
  always("one instance of a VM at most", {
    mechanism: "vmm",
    shadow: { running: {} },
    observes: {
      lifecycle: (_entity, data, _world, editShadow): Finding | undefined => {
        const { vm, event, run } = data as { vm: string; event: string; run: number };
        if (event !== "power-on" && !RUN_ENDS.has(event)) return undefined;
        const { running } = editShadow() as unknown as Running;
        const before = running[vm];
        if (event === "power-on") running[vm] = run;
        else delete running[vm];
        if (event !== "power-on" || before === undefined) return undefined;
        return { message: `${vm} was powered on while it ran`, fields: { vm, run, before } };
      },
    },
  }),
  sometimes("a guest checked its disks after a crash", { mechanism: "guest" }),
];
