/**
 * Loaded into the workers of a search before anything else: they fail where ORRERY_TEST_FAILS says.
 * `audit`: whenever they are to repeat a run; `draw:N`: while run N is drawn; `run:N`: while it is made.
 */
const [what, number] = (process.env.ORRERY_TEST_FAILS ?? "").split(":");

function fail() {
  throw new Error(`planted in ${what}`);
}

const { on, send } = process;

process.on = (name, listener) => {
  if (name !== "message") return on.call(process, name, listener);
  return on.call(process, name, (message) => {
    if (what === "audit" && message.type === "audit") fail();
    listener(message);
  });
};

process.send = (message, ...rest) => {
  const isDrawn = message.type === "running" && message.document === undefined;
  const isMeant = isDrawn && message.run === Number(number);
  // Before its next turn it has told of the document, if it was to.
  if (isMeant && what === "run") setImmediate(fail);
  const isSent = send.call(process, message, ...rest);
  if (isMeant && what === "draw") fail();
  return isSent;
};
