/** Wiring: commands, the server's session, the status bar. What is shown of the analysis comes from the server. */

import * as vscode from 'vscode';
import { claimCommands } from './claims/commands.ts';
import { testExplorer } from './claims/tests.ts';
import { ClaimTree } from './claims/tree.ts';
import type { Claim } from './claims/model.ts';
import { Gutter } from './gutter/gutter.ts';
import { onOtherPython } from './server/environment.ts';
import { install } from './server/install.ts';
import { BoundsPanel } from './panel/panel.ts';
import { Session } from './server/session.ts';
import { declineNotebooks } from './status/notebooks.ts';
import { reached, startCommands } from './start.ts';
import { StatusBar } from './status/bar.ts';
import type { Phase } from './status/phase.ts';

/** What other extensions, and tests, may ask. */
export interface Api {
  phase(): Phase;
  onPhase: vscode.Event<Phase>;
  /** For people: where the server that was started last was found. */
  origin(): string | undefined;
  claims(uri: string): readonly Claim[];
  /** Where which icon stands in the gutter. */
  gutter: Gutter;
  panel: BoundsPanel;
}

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<Api> {
  const log = vscode.window.createOutputChannel('TorchLean', { log: true });
  const bar = new StatusBar();
  let phase: Phase = { kind: 'off' };
  const phases = new vscode.EventEmitter<Phase>();
  const current = (session = new Session(context, log, (now) => {
    phase = now;
    bar.show(now);
    if (now.kind === 'running') reached('running');
    phases.fire(now);
  }));
  const tree = new ClaimTree(current.claims, current.activity);
  const gutter = new Gutter(current.claims, current.activity);
  const panel = new BoundsPanel(context, current);
  const commands: Record<string, () => unknown> = {
    'torchlean.restartServer': () => current.restart(),
    'torchlean.stopServer': () => current.stop(),
    'torchlean.showLog': () => {
      log.show();
    },
    'torchlean.openSettings': () =>
      vscode.commands.executeCommand('workbench.action.openSettings', '@ext:torchlean.torchlean'),
    'torchlean.showBounds': () => {
      panel.show();
    },
    'torchlean.installServer': async () => {
      if (await install(context)) await current.restart();
    },
  };
  context.subscriptions.push(
    log,
    bar,
    phases,
    current,
    declineNotebooks(),
    tree,
    gutter,
    panel,
    vscode.window.registerTreeDataProvider('torchlean.claims', tree),
    testExplorer(current.claims, current),
    ...claimCommands(),
    ...startCommands(context),
    current.claims.onChange((uri) => {
      if (current.claims.of(uri).length > 0) reached('claimsShown');
    }),
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('torchlean.server')) void current.restart();
    }),
    // The server is looked for anew: the workspace's own environment counts from now on, and so does Lean.
    vscode.workspace.onDidGrantWorkspaceTrust(() => void current.restart()),
  );
  const otherPython = await onOtherPython(() => void current.restart());
  if (otherPython !== undefined) context.subscriptions.push(otherPython);
  await current.start();
  return {
    phase: () => phase,
    onPhase: phases.event,
    origin: () => current.origin,
    claims: (uri) => current.claims.of(uri),
    gutter,
    panel,
  };
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
