// One frame, one write: a run that is killed leaves at most one frame incomplete, the last.
import { writeSync, writevSync } from "node:fs";

/** A function that writes frames, given in pieces, to an open file one after the other from `position`. */
export function appender(file, position) {
  let at = position;
  return (pieces) => {
    let done = writevSync(file, pieces, at);
    // What did not fit into one write, if anything.
    for (const piece of pieces) {
      let from = Math.min(done, piece.length);
      done -= from;
      at += from;
      while (from < piece.length) {
        const more = writeSync(file, piece, from, piece.length - from, at);
        from += more;
        at += more;
      }
    }
  };
}
