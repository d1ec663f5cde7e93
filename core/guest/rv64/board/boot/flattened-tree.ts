// Writes a flattened device tree (Devicetree Specification 0.4, chapter 5): header, empty reservation map, structure,
// strings. Pure: a tree in, bytes out.

/** true: empty. Text and lists of text end with NUL; numbers are cells of 32 bits. */
export type TreeProperty = true | string | readonly string[] | readonly number[] | Uint8Array;

export interface TreeNode {
  /** With its unit address; the root's is empty. */
  readonly name: string;
  readonly properties: Readonly<Record<string, TreeProperty>>;
  readonly children?: readonly TreeNode[];
}

const MAGIC = 0xd00dfeed;
const VERSION = 17;
const COMPATIBLE_VERSION = 16;
const HEADER_BYTES = 40;
const RESERVATIONS_BYTES = 16;
const BEGIN_NODE = 1;
const END_NODE = 2;
const PROPERTY = 3;
const END = 9;

const encoder = new TextEncoder();
const terminated = (text: string): Uint8Array => encoder.encode(`${text}\0`);

function bytesOf(property: TreeProperty): Uint8Array {
  if (property === true) return new Uint8Array(0);
  if (property instanceof Uint8Array) return property;
  if (typeof property === "string") return terminated(property);
  if (isText(property)) return terminated(property.join("\0"));
  const bytes = new Uint8Array(property.length * 4);
  const view = new DataView(bytes.buffer);
  property.forEach((cell, i) => view.setUint32(i * 4, cell));
  return bytes;
}

const isText = (list: readonly string[] | readonly number[]): list is readonly string[] =>
  list.length > 0 && typeof list[0] === "string";

class Writer {
  readonly bytes: number[] = [];
  readonly strings: number[] = [];
  readonly #names = new Map<string, number>();

  cell(value: number): void {
    this.bytes.push(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
  }

  padded(bytes: Uint8Array): void {
    for (const byte of bytes) this.bytes.push(byte);
    while (this.bytes.length % 4 !== 0) this.bytes.push(0);
  }

  #nameOffset(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const offset = this.strings.length;
    this.#names.set(name, offset);
    for (const byte of terminated(name)) this.strings.push(byte);
    return offset;
  }

  node(node: TreeNode): void {
    this.cell(BEGIN_NODE);
    this.padded(terminated(node.name));
    for (const [name, property] of Object.entries(node.properties)) {
      const bytes = bytesOf(property);
      this.cell(PROPERTY);
      this.cell(bytes.length);
      this.cell(this.#nameOffset(name));
      this.padded(bytes);
    }
    for (const child of node.children ?? []) this.node(child);
    this.cell(END_NODE);
  }
}

/** The blob of a tree; null when it would take more than `mostBytes`. */
export function flattenTree(root: TreeNode, mostBytes: number): Uint8Array | null {
  const writer = new Writer();
  writer.node(root);
  writer.cell(END);
  const structure = HEADER_BYTES + RESERVATIONS_BYTES;
  const strings = structure + writer.bytes.length;
  const total = strings + writer.strings.length;
  if (total > mostBytes) return null;
  const blob = new Uint8Array(total);
  const header = [
    MAGIC,
    total,
    structure,
    strings,
    HEADER_BYTES,
    VERSION,
    COMPATIBLE_VERSION,
    0,
    writer.strings.length,
    writer.bytes.length,
  ];
  const view = new DataView(blob.buffer);
  header.forEach((value, i) => view.setUint32(i * 4, value));
  blob.set(writer.bytes, structure);
  blob.set(writer.strings, strings);
  return blob;
}
