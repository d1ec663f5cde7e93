export declare function appender(file: number, position: number): (bytes: Uint8Array) => void;
