/** The bounds panel, in a real webview. */

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Graph } from '../../panel/model.ts';
import { extension, file, idle, shown, until } from './support.ts';

async function drawn(what: string, condition: (graph: Graph) => boolean): Promise<Graph> {
  const api = await extension();
  return until(what, () => {
    const graph = api.panel.graph;
    return graph !== undefined && condition(graph) ? graph : undefined;
  });
}

function tabs(): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs);
}

export const tests: Record<string, () => Promise<void>> = {
  async 'the panel opens beside the editor, leaves the focus there, and shows the graph with histograms'() {
    const document = await shown(file('controller.py'));
    await idle();
    await vscode.commands.executeCommand('torchlean.showBounds');
    const graph = await drawn('a graph', ({ nodes }) => nodes.length > 0);
    assert.equal(graph.textDocument.uri, document.uri.toString());
    const layer = graph.nodes.find((node) => node.op === 'linear');
    assert.ok(layer?.elements && layer.interval.startsWith('['));
    assert.ok((layer.error ?? 0) > 0);
    assert.equal(vscode.window.activeTextEditor?.document, document);
    await until('its tab', () =>
      tabs().some(({ label }) => label === 'Bounds of controller.py') ? true : undefined,
    );
  },

  async 'after an edit the panel shows the bounds of the new text'() {
    const document = await shown(file('controller.py'));
    const before = await drawn('a graph', ({ nodes }) => nodes.length > 0);
    const line = document.positionAt(document.getText().indexOf('[-1.0, -1.0]'));
    const edit = new vscode.WorkspaceEdit();
    edit.replace(document.uri, new vscode.Range(line, line.translate(0, 12)), '[-0.5, -0.5]');
    await vscode.workspace.applyEdit(edit);
    const after = await drawn('the new domain', ({ domain }) => domain.includes('-0.5, -0.5'));
    const width = (graph: Graph): number =>
      graph.nodes.filter((node) => node.op === 'linear').at(-1)?.width ?? 0;
    assert.ok(width(after) < width(before));
    await vscode.commands.executeCommand('undo');
    await drawn('the old domain', ({ domain }) => domain === before.domain);
  },

  async 'a panel that is closed can be opened again'() {
    await vscode.window.tabGroups.close(tabs().filter(({ label }) => label.startsWith('Bounds of')));
    const api = await extension();
    await until('no panel', () => (api.panel.graph === undefined ? true : undefined));
    await shown(file('controller.py'));
    await vscode.commands.executeCommand('torchlean.showBounds');
    await drawn('a graph', ({ nodes }) => nodes.length > 0);
  },
};
