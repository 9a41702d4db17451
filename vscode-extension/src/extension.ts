/** Wiring: commands, the server's session, the status bar. What is shown of the analysis comes from the server. */

import * as vscode from 'vscode';
import { onOtherPython } from './server/environment.ts';
import { install } from './server/install.ts';
import { Session } from './server/session.ts';
import { declineNotebooks } from './status/notebooks.ts';
import { StatusBar } from './status/bar.ts';

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('TorchLean', { log: true });
  const bar = new StatusBar();
  const current = (session = new Session(context, log, (phase) => {
    bar.show(phase);
  }));
  const commands: Record<string, () => unknown> = {
    'torchlean.restartServer': () => current.restart(),
    'torchlean.stopServer': () => current.stop(),
    'torchlean.showLog': () => {
      log.show();
    },
    'torchlean.openSettings': () =>
      vscode.commands.executeCommand('workbench.action.openSettings', '@ext:torchlean.torchlean'),
    'torchlean.installServer': async () => {
      if (await install(context)) await current.restart();
    },
  };
  context.subscriptions.push(
    log,
    bar,
    current,
    declineNotebooks(),
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
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}
