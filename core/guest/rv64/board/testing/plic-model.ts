// The rules of the interrupt controller (PLIC specification 1.0.0) as sets, without masks or registers.

export class PlicModel {
  readonly #priority = new Map<number, number>();
  readonly #enabled = new Map<number, ReadonlySet<number>>();
  readonly #threshold = new Map<number, number>();
  readonly #up = new Set<number>();
  readonly #waiting = new Set<number>();
  readonly #served = new Set<number>();

  #forward(): void {
    for (const source of this.#up) if (!this.#served.has(source)) this.#waiting.add(source);
  }

  level(source: number, up: boolean): void {
    if (up) this.#up.add(source);
    else this.#up.delete(source);
    this.#forward();
  }

  prioritise(source: number, priority: number): void {
    this.#priority.set(source, priority);
  }

  enable(context: number, sources: readonly number[]): void {
    this.#enabled.set(context, new Set(sources));
  }

  limit(context: number, threshold: number): void {
    this.#threshold.set(context, threshold);
  }

  #best(context: number, above: number): number {
    const priority = (source: number): number => this.#priority.get(source) ?? 0;
    const enabled = this.#enabled.get(context);
    const ready = [...this.#waiting].filter(
      (source) => enabled?.has(source) === true && priority(source) > above,
    );
    return ready.sort((a, b) => priority(b) - priority(a) || a - b)[0] ?? 0;
  }

  interrupts(context: number): boolean {
    return this.#best(context, this.#threshold.get(context) ?? 0) !== 0;
  }

  claim(context: number): number {
    const source = this.#best(context, 0);
    if (source !== 0) {
      this.#waiting.delete(source);
      this.#served.add(source);
    }
    return source;
  }

  complete(context: number, source: number): void {
    if (this.#enabled.get(context)?.has(source) === true) this.#served.delete(source);
    this.#forward();
  }
}
