/** Cells of notebooks are not analysed: they run in any order, and none is a module. Says so where one is edited. */

import * as vscode from 'vscode';

export function declineNotebooks(): { dispose(): unknown } {
  const item = vscode.languages.createLanguageStatusItem('torchlean.notebook', {
    language: 'python',
    scheme: 'vscode-notebook-cell',
  });
  item.name = 'TorchLean';
  item.text = 'TorchLean does not analyse notebooks';
  item.detail = 'move the module into a .py file to see its bounds';
  return item;
}
