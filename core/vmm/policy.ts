/**
 * Lifecycle events: told to observers as notices, and to the policies bound to them as messages.
 * From the machine: `power-on`, `power-off`, `crash`, `stunned`, `unstunned`. From the guest:
 * `preboot`, `postboot`, `verified`, `application-start`, `application-exit`, `shutdown`, and
 * `application:NAME` for events of the application itself. Of its integrity driver's host:
 * `integrity-alert`.
 */
import type { EntityId, World } from "../kernel/index.ts";
import type { VmRecord } from "./vm-record.ts";

/** Of the run of a virtual machine, or whatever else names its record. */
export function announce(
  vm: { readonly world: World; readonly config: { readonly record: EntityId } },
  event: string,
): void {
  const record = vm.world.entity(vm.config.record) as unknown as VmRecord;
  const { run, host, policies } = record.durable;
  const name = record.name;
  record.notice("lifecycle", { vm: name, event, run, host });
  for (const { event: wanted, target, handler } of policies) {
    if (wanted === event) record.send(target, handler, { vm: name, event, run });
  }
}
