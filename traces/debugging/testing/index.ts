/** The door for tests of whoever drives a recorded machine. */
export { debugged, recordGuests } from "./recorded-guest.ts";
