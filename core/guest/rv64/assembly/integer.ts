// Integer helpers of the loop. Comparisons go through functions because `<u64>a < <u64>b` reads badly and parses worse.

@inline export function below(a: u64, b: u64): bool {
  return a < b;
}

@inline export function lessSigned(a: u64, b: u64): u64 {
  return <u64>(<i64>a < <i64>b);
}

@inline export function lessUnsigned(a: u64, b: u64): u64 {
  return <u64>(a < b);
}

/** A 32-bit result, sign-extended. */
@inline export function word(value: i32): u64 {
  return <u64>(<i64>value);
}

/** The high half of the 128-bit product. */
export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >> 32);
  const cross = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >> 32) + (cross >> 32);
}

export function multiplyHighSigned(a: u64, b: u64): u64 {
  let high = multiplyHigh(a, b);
  if (<i64>a < 0) high -= b;
  if (<i64>b < 0) high -= a;
  return high;
}

/** Signed times unsigned. */
export function multiplyHighMixed(a: u64, b: u64): u64 {
  const high = multiplyHigh(a, b);
  return <i64>a < 0 ? high - b : high;
}

export function divideSigned(a: u64, b: u64): u64 {
  if (b == 0) return 0xffffffffffffffff;
  if (<i64>b == -1) return 0 - a;
  return <u64>(<i64>a / <i64>b);
}

export function remainderSigned(a: u64, b: u64): u64 {
  if (b == 0) return a;
  if (<i64>b == -1) return 0;
  return <u64>(<i64>a % <i64>b);
}

export function divideUnsigned(a: u64, b: u64): u64 {
  return b == 0 ? 0xffffffffffffffff : a / b;
}

export function remainderUnsigned(a: u64, b: u64): u64 {
  return b == 0 ? a : a % b;
}

export function divideWord(a: i32, b: i32): u64 {
  if (b == 0) return 0xffffffffffffffff;
  if (b == -1) return word(0 - a);
  return word(a / b);
}

export function remainderWord(a: i32, b: i32): u64 {
  if (b == 0) return word(a);
  if (b == -1) return 0;
  return word(a % b);
}

export function divideUnsignedWord(a: u32, b: u32): u64 {
  return b == 0 ? 0xffffffffffffffff : word(<i32>(a / b));
}

export function remainderUnsignedWord(a: u32, b: u32): u64 {
  return word(<i32>(b == 0 ? a : a % b));
}
