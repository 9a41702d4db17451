/** What a person meets first: the walkthrough, and a file to try things on. */

import * as vscode from 'vscode';

/** The walkthrough's steps wait for these. */
export type Reached = 'running' | 'claimsShown';

export function reached(what: Reached): void {
  void vscode.commands.executeCommand('setContext', `torchlean.${what}`, true);
}

export function startCommands(context: vscode.ExtensionContext): vscode.Disposable[] {
  const commands: Record<string, () => unknown> = {
    'torchlean.getStarted': () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', `${context.extension.id}#start`),
    'torchlean.openExample': async () => {
      const file = vscode.Uri.joinPath(context.extensionUri, 'walkthrough/example.py');
      const content = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
      // Without a name, so that nothing of the extension's own is edited.
      await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ language: 'python', content }),
      );
    },
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run));
}
