/** What can be done with the files and the claims of the view. */

import * as vscode from 'vscode';
import type { ClaimNode } from './tree.ts';
import { counterexampleTest, numbersText } from './model.ts';

export function claimCommands(): vscode.Disposable[] {
  const commands: Record<string, (node: ClaimNode) => unknown> = {
    'torchlean.claim.checkAgain': ({ uri, claim }) =>
      vscode.commands.executeCommand('torchlean.checkWithLean', uri, ...(claim ? [claim.name] : [])),
    'torchlean.claim.checkFile': ({ uri }) => vscode.commands.executeCommand('torchlean.checkFile', uri),
    'torchlean.claim.cancel': ({ uri, claim }) =>
      vscode.commands.executeCommand('torchlean.cancelCheck', uri, ...(claim ? [claim.name] : [])),
    'torchlean.claim.showDomain': ({ uri, claim }) =>
      vscode.commands.executeCommand('torchlean.selectDomain', uri, claim?.name),
    'torchlean.claim.openCertificate': ({ uri, claim }) =>
      vscode.commands.executeCommand('torchlean.openCertificate', uri, claim?.name),
    'torchlean.claim.openCounterexample': async ({ claim }) => {
      if (!claim?.counterexample) return;
      const content = numbersText(claim.counterexample);
      await vscode.window.showTextDocument(
        await vscode.workspace.openTextDocument({ language: 'json', content }),
        { preview: true, viewColumn: vscode.ViewColumn.Beside },
      );
    },
    'torchlean.claim.copyCounterexample': async ({ claim }) => {
      if (!claim?.counterexample) return;
      await vscode.env.clipboard.writeText(counterexampleTest(claim));
      void vscode.window.showInformationMessage(`A test of ${claim.name} at its counterexample was copied.`);
    },
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run));
}
