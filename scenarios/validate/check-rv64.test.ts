import { expect, it } from "vitest";
import type { ScenarioDocument } from "../schema/scenario.generated.ts";
import { validateDocument } from "./validate.ts";

type Vm = NonNullable<ScenarioDocument["vms"]>[number];

const machine = (id: string, to: readonly string[], changes: Partial<Vm> = {}): Vm => ({
  id,
  host: "alpha",
  memoryMiB: 16,
  guest: { kind: "rv64", file: "x.elf", network: to.map((each) => ({ to: each })) },
  ...changes,
});

const messagesOf = (vms: readonly Vm[]): readonly string[] => {
  const result = validateDocument(
    {
      name: "machines",
      durationMs: 1,
      hosts: [{ id: "alpha", cores: 1, memoryMiB: 8_192 }],
      vms: [...vms],
    },
    { file: "s.ts" },
  );
  return result.ok ? [] : result.problems.map(({ pointer, message }) => `${pointer}: ${message}`);
};

it("machines that fit and are connected both ways are accepted", () => {
  expect(messagesOf([machine("a", ["b"]), machine("b", ["a"]), machine("c", [])])).toEqual([]);
});

it.each<readonly [string, readonly Vm[]]>([
  ["/vms/0/memoryMiB: is 4096", [machine("a", [], { memoryMiB: 4_096 })]],
  ["/vms/0/vcpus: is 9", [machine("a", [], { vcpus: 9 })]],
  ["/vms/0/guest/network/0/to: the vm is connected with itself", [machine("a", ["a"])]],
  ["/vms/0/guest/network/0/to: b has no interface to a", [machine("a", ["b"]), machine("b", [])]],
  ['/vms/0/guest/network/1/to: is "b" again', [machine("a", ["b", "b"]), machine("b", ["a"])]],
])("%s", (message, vms) => {
  expect(messagesOf(vms)).toEqual([message]);
});
