/** What the tests inside the extension host share. */

import * as vscode from 'vscode';
import type { Api } from '../../src/extension.ts';
import type { Phase } from '../../src/status/phase.ts';

/** Milliseconds. A busy machine takes a minute to import torch. */
const PATIENCE = 120_000;

export async function until<T>(
  what: string,
  condition: () => T | undefined | PromiseLike<T | undefined>,
): Promise<T> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function extension(): Promise<Api> {
  const found = vscode.extensions.getExtension<Api>('torchlean.torchlean');
  if (found === undefined) throw new Error('the extension is not there');
  return found.activate();
}

/** The phase when it is of this kind. */
export async function phase<K extends Phase['kind']>(kind: K): Promise<Extract<Phase, { kind: K }>> {
  const api = await extension();
  return until(`the server is ${kind}`, () => {
    const now = api.phase();
    return now.kind === kind ? (now as Extract<Phase, { kind: K }>) : undefined;
  });
}

export async function idle(): Promise<void> {
  const api = await extension();
  await until('idle', () => {
    const now = api.phase();
    return now.kind === 'running' && now.activity.kind === 'idle' ? true : undefined;
  });
}

export function configure(key: string, value: unknown): Thenable<void> {
  return vscode.workspace
    .getConfiguration('torchlean')
    .update(key, value, vscode.ConfigurationTarget.Workspace);
}

export function file(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) throw new Error('no folder is open');
  return vscode.Uri.joinPath(folder.uri, name);
}

export async function shown(uri: vscode.Uri): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document);
  return document;
}

export function problems(uri: vscode.Uri, code: RegExp): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter((problem) => {
    const value = typeof problem.code === 'object' ? problem.code.value : problem.code;
    return code.test(String(value));
  });
}
