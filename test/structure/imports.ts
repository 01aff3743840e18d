import ts from "typescript";

/** One mention of another module. */
export interface Import {
  readonly specifier: string;
  /** 1-based line of the mention. */
  readonly line: number;
}

/**
 * Every module that a file names: imports and re-exports (type-only ones too), `import()` of values and of types,
 * `new URL("...", import.meta.url)` (how workers are started) and reference comments.
 * Computed names can't be followed and are not listed.
 */
export function importsOf(file: string, text: string): Import[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, scriptKind(file));
  const found: Import[] = [];
  const add = (specifier: string, position: number): void => {
    found.push({ specifier, line: source.getLineAndCharacterOfPosition(position).line + 1 });
  };
  for (const reference of source.referencedFiles) add(relative(reference.fileName), reference.pos);
  for (const reference of source.typeReferenceDirectives) add(reference.fileName, reference.pos);
  const visit = (node: ts.Node): void => {
    const named = moduleNamedBy(node);
    if (named !== undefined && ts.isStringLiteralLike(named)) add(named.text, named.getStart(source));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function moduleNamedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return node.arguments[0];
  if (ts.isNewExpression(node) && node.expression.getText() === "URL") {
    const [target, base] = node.arguments ?? [];
    return base?.getText() === "import.meta.url" ? target : undefined;
  }
  return undefined;
}

function relative(fileName: string): string {
  return fileName.startsWith(".") ? fileName : `./${fileName}`;
}

function scriptKind(file: string): ts.ScriptKind {
  return file.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
}
