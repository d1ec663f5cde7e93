// One frame, one write: a run that is killed leaves at most one frame incomplete, the last.
import { writeSync } from "node:fs";

/** A function that writes whole buffers to an open file, one after the other from `position`. */
export function appender(file, position) {
  let at = position;
  return (bytes) => {
    let done = 0;
    while (done < bytes.length)
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
    at += bytes.length;
  };
}
