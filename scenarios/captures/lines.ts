/**
 * Cuts a stream of byte chunks into lines. What must hold: the lines do not depend on where the
 * chunks were cut; a line is never held beyond `MAX_LINE_CHARS`, however long the source makes it.
 * Ends are LF or CRLF, a byte order mark is dropped, a last line without an end counts.
 */
export const MAX_LINE_CHARS = 4096;

/** `text` is undefined for a line longer than `MAX_LINE_CHARS`, which was dropped as it came. */
export type OnLine = (text: string | undefined) => void;

export class LineSplitter {
  private readonly decoder = new TextDecoder("utf-8");
  private readonly onLine: OnLine;
  private pending = "";
  private overlong = false;

  constructor(onLine: OnLine) {
    this.onLine = onLine;
  }

  push(chunk: Uint8Array): void {
    this.take(this.decoder.decode(chunk, { stream: true }));
  }

  end(): void {
    this.take(this.decoder.decode());
    if (this.pending !== "" || this.overlong) this.lineEnds("");
  }

  private take(text: string): void {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.lineEnds(text.slice(from, end));
      from = end + 1;
    }
    if (this.overlong) return;
    this.pending += text.slice(from, from + MAX_LINE_CHARS + 1);
    if (this.pending.length > MAX_LINE_CHARS) {
      this.pending = "";
      this.overlong = true;
    }
  }

  private lineEnds(rest: string): void {
    const text = this.pending + rest;
    const overlong = this.overlong || text.length > MAX_LINE_CHARS;
    this.pending = "";
    this.overlong = false;
    if (overlong) this.onLine(undefined);
    else this.onLine(text.endsWith("\r") ? text.slice(0, -1) : text);
  }
}
