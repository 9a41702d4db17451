/** What the editor shows of a file. */

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { extension, file, idle, problems, shown, until } from './support.ts';

function positionOf(document: vscode.TextDocument, text: string): vscode.Position {
  const offset = document.getText().indexOf(text);
  assert.ok(offset >= 0, text);
  return document.positionAt(offset);
}

async function replace(document: vscode.TextDocument, old: string, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  const start = positionOf(document, old);
  edit.replace(document.uri, new vscode.Range(start, start.translate(0, old.length)), text);
  await vscode.workspace.applyEdit(edit);
}

export const tests: Record<string, () => Promise<void>> = {
  async 'a claim that is refuted is an error at its place'() {
    const document = await shown(file('controller.py'));
    const problem = await until('a refuted claim', () => problems(document.uri, /^TL301$/)[0]);
    assert.equal(problem.source, 'torchlean');
    assert.match(document.lineAt(problem.range.start.line).text, /too_tight|<= 2\.0/);
  },

  async 'a hover over a layer tells its interval'() {
    const document = await shown(file('controller.py'));
    await idle();
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      positionOf(document, 'self.fc1(x)').translate(0, 6),
    );
    const text = hovers
      .flatMap((hover) => hover.contents)
      .map((content) => (content instanceof vscode.MarkdownString ? content.value : ''))
      .join('\n');
    assert.match(text, /interval +\[-?\d+\.\d+, -?\d+\.\d+\]/);
  },

  async 'hints and lenses are there'() {
    const { uri } = await shown(file('controller.py'));
    await idle();
    const everything = new vscode.Range(0, 0, 999, 0);
    const hints = await vscode.commands.executeCommand<vscode.InlayHint[]>(
      'vscode.executeInlayHintProvider',
      uri,
      everything,
    );
    assert.ok(hints.length >= 3);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      uri,
      99,
    );
    assert.ok(lenses.some((lens) => lens.command?.title.startsWith('proved')));
  },

  async 'the claims are listed with their verdicts'() {
    const { uri } = await shown(file('controller.py'));
    await idle();
    const api = await extension();
    const claims = await until('six claims', () => {
      const listed = api.claims(uri.toString());
      return listed.length === 6 && listed.every((claim) => claim.freshness === 'current')
        ? listed
        : undefined;
    });
    const verdicts = new Map(claims.map((claim) => [claim.name, claim.verdict]));
    assert.equal(verdicts.get('too_tight'), 'refuted');
    assert.equal(verdicts.get('stays_in_actuator_range'), 'proved');
  },

  async 'each claim has its mark in the gutter, at its line'() {
    const document = await shown(file('controller.py'));
    const { gutter } = await extension();
    const marks = await until('a mark for each claim', () => {
      const found = [...gutter.shown(document.uri.toString())]
        .filter(([icon]) => /-current/.test(icon))
        .flatMap(([icon, places]) => places.map(([line]): [number, string] => [line, icon]));
      return found.length === 6 ? new Map(found) : undefined;
    });
    for (const [line, icon] of marks) {
      const refuted = document.lineAt(line).text.startsWith('def too_tight');
      assert.match(icon, refuted ? /^refuted-current$/ : /^(kernel|bounds)-current/);
    }
  },

  async 'a counterexample is opened'() {
    const { uri } = await shown(file('controller.py'));
    const claim = await until('a counterexample', async () =>
      (await extension()).claims(uri.toString()).find((one) => one.counterexample !== null),
    );
    await vscode.commands.executeCommand('torchlean.claim.openCounterexample', {
      uri: uri.toString(),
      claim,
    });
    const opened = vscode.window.activeTextEditor?.document;
    assert.equal(opened?.languageId, 'json');
    assert.deepEqual(JSON.parse(opened.getText()), claim.counterexample);
  },

  async 'a counterexample is copied as a test'() {
    const { uri } = await shown(file('controller.py'));
    const claim = await until('a counterexample', async () =>
      (await extension()).claims(uri.toString()).find((one) => one.counterexample !== null),
    );
    await vscode.commands.executeCommand('torchlean.claim.copyCounterexample', {
      uri: uri.toString(),
      claim,
    });
    const copied = await vscode.env.clipboard.readText();
    assert.match(copied, /assert too_tight\(x=torch\.tensor\(\[-?\d/);
  },

  async 'a shape error comes while typing and goes with its repair'() {
    const document = await shown(file('controller.py'));
    await replace(document, 'nn.Linear(2, hidden)', 'nn.Linear(2, hidden + 1)');
    await until('a shape error', () => (problems(document.uri, /^TL1/).length > 0 ? true : undefined));
    await replace(document, 'hidden + 1', 'hidden');
    await until('no shape error', () => (problems(document.uri, /^TL1/).length === 0 ? true : undefined));
  },

  async 'a new document without a name is analysed'() {
    const content = 'import torch\n\nx = torch.zeros(2, 3) @ torch.zeros(4, 5)\n';
    const document = await vscode.workspace.openTextDocument({ language: 'python', content });
    await until('a shape error', () => (problems(document.uri, /^TL1/).length > 0 ? true : undefined));
  },

  async 'a document of another scheme is left alone'() {
    const scheme = vscode.workspace.registerTextDocumentContentProvider('torchlean-test', {
      provideTextDocumentContent: () => 'import torch\nx = torch.zeros(2, 3) @ torch.zeros(4, 5)\n',
    });
    const { uri, languageId } = await shown(vscode.Uri.parse('torchlean-test:/virtual.py'));
    assert.equal(languageId, 'python');
    await idle();
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
    scheme.dispose();
  },

  async 'the example for newcomers has a claim that is proved and one that is refuted'() {
    await vscode.commands.executeCommand('torchlean.openExample');
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document?.isUntitled);
    const api = await extension();
    const verdicts = await until('verdicts', () => {
      const claims = api.claims(document.uri.toString());
      return claims.length === 2 && claims.every(({ verdict }) => verdict !== null) ? claims : undefined;
    });
    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      ['proved', 'refuted'],
    );
  },

  async 'a huge file is declined with the reason'() {
    const content = `import torch\n${'x = torch.zeros(2)\n'.repeat(120_000)}`;
    const document = await vscode.workspace.openTextDocument({ language: 'python', content });
    const problem = await until('the reason', () => problems(document.uri, /^TL105$/)[0]);
    assert.match(problem.message, /2\.3 million characters/);
    const api = await extension();
    await until('the status says so', () => {
      const now = api.phase();
      return now.kind === 'running' && now.activity.kind === 'stopped' ? true : undefined;
    });
    await shown(document.uri);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  },

  async 'cells of notebooks are left alone'() {
    const source = 'import torch\nx = torch.zeros(2, 3) @ torch.zeros(4, 5)\n';
    const cell = new vscode.NotebookCellData(vscode.NotebookCellKind.Code, source, 'python');
    const notebook = await vscode.workspace.openNotebookDocument(
      'jupyter-notebook',
      new vscode.NotebookData([cell]),
    );
    await vscode.window.showNotebookDocument(notebook);
    await shown(file('controller.py'));
    await idle();
    const { uri, languageId } = notebook.cellAt(0).document;
    assert.equal(languageId, 'python');
    assert.deepEqual(vscode.languages.getDiagnostics(uri), []);
  },
};
