export declare const threadStates: {
  readonly starting: 0;
  readonly ready: 1;
  readonly closed: 2;
  readonly failed: 3;
};

export declare class ThreadControl {
  constructor(shared?: SharedArrayBuffer);
  readonly shared: SharedArrayBuffer;
  state: number;
  readonly inFlightBytes: number;
  addInFlight(bytes: number): void;
  removeInFlight(bytes: number): void;
  readonly taken: number;
  countTaken(): void;
  bytesWritten: number;
  fail(message: string): void;
  readonly error: string;
  waitInFlight(seen: number, milliseconds: number): void;
  waitTaken(seen: number, milliseconds: number): void;
  waitState(seen: number, milliseconds: number): void;
}
