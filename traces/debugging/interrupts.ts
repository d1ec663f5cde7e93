/**
 * An interrupt that a hart takes before its next instruction: what a debugger shows then is the first
 * instruction of the handler, not the interrupted one.
 */
import { rv64 } from "../../core/guest/index.ts";

const MSTATUS = 0x300;
const MIDELEG = 0x303;
const MIE = 0x304;
const MTVEC = 0x305;
const MIP = 0x344;
const STVEC = 0x105;
const STATUS_SIE = 2n;
const STATUS_MIE = 8n;
/** Software, timer and external interrupts, of supervisor and machine mode. */
const CAUSES = [1n, 3n, 5n, 7n, 9n, 11n] as const;

/** Whether the hart takes an interrupt next (privileged specification, 3.1.9). */
export function takesInterrupt(engine: rv64.Engine, hart: number): boolean {
  const csr = (number: number): bigint => engine.readCsr(hart, number) ?? 0n;
  const pending = csr(MIP) & csr(MIE);
  if (pending === 0n) return false;
  const mode = Number(engine.word(hart, rv64.layout.HART_PRIVILEGE));
  const status = csr(MSTATUS);
  const delegated = csr(MIDELEG);
  const { PRIVILEGE_M, PRIVILEGE_S } = rv64.layout;
  const machine = mode < PRIVILEGE_M || (status & STATUS_MIE) !== 0n;
  if (machine && (pending & ~delegated) !== 0n) return true;
  const supervisor = mode < PRIVILEGE_S || (mode === PRIVILEGE_S && (status & STATUS_SIE) !== 0n);
  return supervisor && (pending & delegated) !== 0n;
}

/** Where its interrupt handlers begin. */
export function handlersOf(engine: rv64.Engine, hart: number): bigint[] {
  return [STVEC, MTVEC].flatMap((number) => {
    const vector = engine.readCsr(hart, number) ?? 0n;
    const base = vector & ~3n;
    return (vector & 3n) === 1n ? CAUSES.map((cause) => base + 4n * cause) : [base];
  });
}
