/** Module hooks that change one source while it is loaded; see plant.mjs. */

let bug;

export function initialize(data) {
  bug = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (url.split("?")[0] !== bug.url) return loaded;
  const parts = String(loaded.source).split(bug.find);
  if (parts.length !== 2) {
    throw new Error(
      `bug ${bug.name} is stale: its text is ${parts.length - 1} times in ${bug.url}`,
    );
  }
  return { ...loaded, source: parts.join(bug.replace) };
}
