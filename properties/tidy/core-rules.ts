/**
 * What may not stand in core: clocks, chance, the machine, open last bits, state outside the stores.
 *
 * Read from the syntax tree, so words in comments and strings are free. An allow-list for Math: what
 * a later engine adds is forbidden until somebody looked at it.
 */
import ts from "typescript";
import type { SourceFile } from "./source-tree.ts";

/** Exact in every engine. */
const EXACT_MATH = new Set(
  "abs ceil floor round trunc sign min max imul clz32 sqrt fround".split(" "),
);

const BANNED_GLOBALS = new Set(
  (
    "Date performance process fetch crypto Intl setTimeout setInterval setImmediate console " +
    "queueMicrotask WeakRef FinalizationRegistry SharedArrayBuffer Atomics navigator require " +
    "globalThis eval"
  ).split(" "),
);

/** WebAssembly is reached through globalThis there: TypeScript's library for core does not name it. */
const MAY_USE_GLOBAL_THIS = "core/guest/rv64/compiled/wasm.ts";

const BANNED_MEMBERS = /^(toLocale\w*|localeCompare)$/;

/** One line for each breach: `path:line what`. */
export function coreBreaches({ path, text }: SourceFile): readonly string[] {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const declared = declaredNames(tree);
  const breaches: string[] = [];
  const found = (node: ts.Node, what: string): void => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    breaches.push(`${path}:${line + 1} ${what}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    const what = breachOf(node, declared);
    if (what !== undefined && !(path === MAY_USE_GLOBAL_THIS && what === "globalThis")) {
      found(node, what);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  for (const statement of tree.statements) {
    for (const what of mutableState(statement)) found(statement, what);
  }
  return breaches;
}

function breachOf(node: ts.Node, declared: ReadonlySet<string>): string | undefined {
  if (ts.isIdentifier(node) && isReference(node)) {
    if (BANNED_GLOBALS.has(node.text) && !declared.has(node.text)) return node.text;
    if (node.text === "Math") return mathBreach(node.parent);
  }
  if (ts.isPropertyAccessExpression(node) && BANNED_MEMBERS.test(node.name.text)) {
    return `.${node.name.text}`;
  }
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    if (node.moduleSpecifier.text.startsWith("node:")) return node.moduleSpecifier.text;
  }
  if (ts.isEnumDeclaration(node)) return "enum";
  return ts.isBinaryExpression(node) ? powerBreach(node) : undefined;
}

function mathBreach(parent: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(parent)) return "Math as a value";
  const { text } = parent.name;
  return EXACT_MATH.has(text) || /^[A-Z]/.test(text) ? undefined : `Math.${text}`;
}

/** `2 ** 40` is folded exactly and big integers are exact; other powers have an open last bit. */
function powerBreach({ operatorToken, left, right }: ts.BinaryExpression): string | undefined {
  if (operatorToken.kind !== ts.SyntaxKind.AsteriskAsteriskToken) return undefined;
  if (ts.isBigIntLiteral(left) || ts.isBigIntLiteral(right)) return undefined;
  const whole = (node: ts.Expression): boolean =>
    ts.isNumericLiteral(node) && Number.isInteger(Number(node.text));
  return whole(left) && whole(right) ? undefined : "** on numbers";
}

/** Module-level `let`, and collections that start empty: both are there to be changed. */
function mutableState(statement: ts.Statement): readonly string[] {
  if (!ts.isVariableStatement(statement)) return [];
  const { flags, declarations } = statement.declarationList;
  if ((flags & ts.NodeFlags.Const) === 0) return ["module-level let"];
  return declarations
    .filter(({ initializer }) => initializer !== undefined && startsEmpty(initializer))
    .map(({ name }) => `module-level ${name.getText()} starts empty`);
}

function startsEmpty(node: ts.Expression): boolean {
  if (ts.isArrayLiteralExpression(node)) return node.elements.length === 0;
  if (!ts.isNewExpression(node) || !ts.isIdentifier(node.expression)) return false;
  return /^(Map|Set)$/.test(node.expression.text) && !node.arguments?.length;
}

/** A use of the name as a value: not a member's name, not a label of a property. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return false;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  const named = (parent as Partial<ts.NamedDeclaration>).name === node;
  return !named && !ts.isImportSpecifier(parent) && !ts.isExportSpecifier(parent);
}

/** Names that the file itself declares: a parameter called `process` is no global. */
function declaredNames(tree: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isFunctionDeclaration(node);
    if ((declares || ts.isBindingElement(node) || ts.isImportSpecifier(node)) && node.name) {
      if (ts.isIdentifier(node.name)) names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return names;
}
