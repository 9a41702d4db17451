/** The view "Claims": files, below them their claims with verdict, margin and time. */

import * as vscode from 'vscode';
import { type ClaimList, rangeOf } from './list.ts';
import { type Claim, type Mark, hasCertificate, hasCounterexample, markOf } from './model.ts';

export interface ClaimNode {
  uri: string;
  /** Missing: the file itself. */
  claim?: Claim;
}

/** Shapes differ, so that colours need not be told apart. */
const ICONS: Record<Mark, [string, string?]> = {
  kernel: ['verified-filled', 'testing.iconPassed'],
  bounds: ['pass', 'testing.iconPassed'],
  refuted: ['error', 'testing.iconFailed'],
  unknown: ['question', 'testing.iconQueued'],
  checking: ['loading~spin'],
  stale: ['history', 'disabledForeground'],
};

export class ClaimTree implements vscode.TreeDataProvider<ClaimNode>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #list: ClaimList;
  readonly #listener: vscode.Disposable;

  constructor(list: ClaimList) {
    this.#list = list;
    this.#listener = list.onChange(() => {
      this.#changed.fire(undefined);
    });
  }

  getChildren(node?: ClaimNode): ClaimNode[] {
    if (node === undefined) return this.#list.documents().map((uri) => ({ uri }));
    return node.claim ? [] : this.#list.of(node.uri).map((claim) => ({ uri: node.uri, claim }));
  }

  getTreeItem({ uri, claim }: ClaimNode): vscode.TreeItem {
    const resource = vscode.Uri.parse(uri);
    if (claim === undefined) {
      const item = new vscode.TreeItem(resource, vscode.TreeItemCollapsibleState.Expanded);
      item.contextValue = 'file';
      return item;
    }
    const item = new vscode.TreeItem(claim.name);
    const [icon, colour] = ICONS[markOf(claim)];
    item.iconPath = new vscode.ThemeIcon(icon, colour ? new vscode.ThemeColor(colour) : undefined);
    const seconds = claim.seconds === null ? '' : ` · ${claim.seconds.toFixed(1)} s`;
    item.description = claim.title + seconds + (claim.freshness === 'current' ? '' : ` · ${claim.freshness}`);
    item.tooltip = claim.detail || claim.title;
    item.contextValue = [
      claim.kind,
      hasCertificate(claim) ? 'certificate' : '',
      hasCounterexample(claim) ? 'counterexample' : '',
    ].join(' ');
    item.command = {
      title: 'Show',
      command: 'vscode.open',
      arguments: [resource, { selection: rangeOf(claim) } satisfies vscode.TextDocumentShowOptions],
    };
    return item;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }
}
