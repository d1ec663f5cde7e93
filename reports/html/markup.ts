/** Small pieces of HTML. Everything that comes from a trace goes through `text`. */

/** Text as HTML shows it, whatever it holds. */
export function text(value: unknown): string {
  return String(value)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** What stands in a column of numbers: intervals and dashes too. */
const NUMERIC = /^[-+\d.,\s±–%]+$/;

/** A table; cells are HTML already. Columns of numbers are set flush right. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return "";
  const isNumeric = head.map((_, column) => rows.every((row) => NUMERIC.test(row[column] ?? "")));
  const kind = (column: number): string => (isNumeric[column] ? ' class="number"' : "");
  const headCells = head
    .map((cell, at) => `<th scope="col"${kind(at)}>${text(cell)}</th>`)
    .join("");
  const cells = (row: readonly string[]): string =>
    row.map((cell, at) => `<td${kind(at)}>${cell}</td>`).join("");
  const body = rows.map((row) => `<tr>${cells(row)}</tr>`);
  return (
    `<table>${caption === "" ? "" : `<caption>${text(caption)}</caption>`}<thead><tr>${headCells}</tr></thead>` +
    `<tbody>${body.join("\n")}</tbody></table>`
  );
}

export function section(title: string, ...parts: readonly string[]): string {
  const content = parts.filter((part) => part !== "").join("\n");
  return content === "" ? "" : `<section><h2>${text(title)}</h2>\n${content}\n</section>`;
}

export const figure = (title: string, svg: string): string =>
  `<figure role="img" aria-label="${text(title)}">${svg}</figure>`;

/** What opens when it is asked for. */
export const details = (summary: string, content: string): string =>
  `<details><summary>${text(summary)}</summary>\n${content}\n</details>`;

export const code = (value: string): string => `<code>${text(value)}</code>`;

/** A time that stays on one line. */
export const time = (value: string): string => `<span class="time">${text(value)}</span>`;
