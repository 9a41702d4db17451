/** The view "Claims": files, below them their claims with verdict, margin and time; those of a family below its name. */

import * as vscode from 'vscode';
import { type ClaimList, rangeOf } from './list.ts';
import type { Activity } from '../status/activity.ts';
import {
  type Claim,
  type Family,
  type Mark,
  grouped,
  hasCertificate,
  hasCounterexample,
  isPending,
  markOf,
  tally,
} from './model.ts';

/** A file, a family of claims, or a claim. */
export interface ClaimNode {
  uri: string;
  family?: Family;
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
  readonly #activity: Activity;
  readonly #listener: vscode.Disposable;

  constructor(list: ClaimList, activity: Activity) {
    this.#list = list;
    this.#activity = activity;
    this.#listener = list.onChange(() => {
      this.#changed.fire(undefined);
    });
  }

  getChildren(node?: ClaimNode): ClaimNode[] {
    if (node === undefined) return this.#list.documents().map((uri) => ({ uri }));
    const { uri, family, claim } = node;
    if (claim) return [];
    if (family) return family.members.map((member) => ({ uri, claim: member }));
    return grouped(this.#list.of(uri)).map((one) =>
      'members' in one ? { uri, family: one } : { uri, claim: one },
    );
  }

  getTreeItem({ uri, family, claim }: ClaimNode): vscode.TreeItem {
    if (claim) return claimItem(uri, claim);
    if (family) return familyItem(family);
    const item = new vscode.TreeItem(vscode.Uri.parse(uri), vscode.TreeItemCollapsibleState.Expanded);
    item.contextValue = this.#activity.stages(uri).some((stage) => stage !== 'stopped')
      ? 'file pending'
      : 'file';
    return item;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }
}

function familyItem({ family, members }: Family): vscode.TreeItem {
  const item = new vscode.TreeItem(family, vscode.TreeItemCollapsibleState.Collapsed);
  item.iconPath = new vscode.ThemeIcon('symbol-array');
  item.description = tally(members);
  item.contextValue = 'family';
  return item;
}

function claimItem(uri: string, claim: Claim): vscode.TreeItem {
  const item = new vscode.TreeItem(claim.name);
  const [icon, colour] = ICONS[markOf(claim)];
  item.iconPath = new vscode.ThemeIcon(icon, colour ? new vscode.ThemeColor(colour) : undefined);
  const seconds = claim.seconds === null ? '' : ` · ${claim.seconds.toFixed(1)} s`;
  item.description = claim.title + seconds + (claim.freshness === 'current' ? '' : ` · ${claim.freshness}`);
  item.tooltip = claim.detail || claim.title;
  item.contextValue = [
    claim.kind,
    hasCertificate(claim) ? 'certificate' : '',
    claim.counterexample !== null ? 'counterexample' : '',
    hasCounterexample(claim) ? 'test' : '',
    isPending(claim) ? 'pending' : '',
  ].join(' ');
  item.command = {
    title: 'Show',
    command: 'vscode.open',
    arguments: [
      vscode.Uri.parse(uri),
      { selection: rangeOf(claim) } satisfies vscode.TextDocumentShowOptions,
    ],
  };
  return item;
}
