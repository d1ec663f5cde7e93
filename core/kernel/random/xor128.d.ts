/** The part of seedrandom's xor128 that streams use; @types/seedrandom types only the main module. */
declare module "seedrandom/lib/xor128.js" {
  interface Xor128State {
    readonly x: number;
    readonly y: number;
    readonly z: number;
    readonly w: number;
  }
  interface Xor128Generator {
    (): number;
    int32(): number;
    double(): number;
    state(): Xor128State;
  }
  export default function xor128(
    seed: number | string,
    options: { readonly state: Xor128State },
  ): Xor128Generator;
}
