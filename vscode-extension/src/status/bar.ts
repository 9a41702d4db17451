/** Draws the phase in the status bar. A click opens the log; the tooltip says more and has the other commands. */

import * as vscode from 'vscode';
import { type Appearance, type Phase, appearance } from './phase.ts';
import { Steady } from './steady.ts';

const BACKGROUNDS = {
  none: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
};

export class StatusBar implements vscode.Disposable {
  #item: vscode.StatusBarItem;
  #drawn: string | undefined;
  /** Appearances as JSON, so that equal ones are equal. */
  #steady = new Steady<string>((values) => {
    const now = values.get('bar');
    if (now === undefined || now === this.#drawn) return;
    this.#drawn = now;
    this.#draw(JSON.parse(now) as Appearance);
  });

  constructor() {
    this.#item = vscode.window.createStatusBarItem('torchlean.status', vscode.StatusBarAlignment.Right);
    this.#item.name = 'TorchLean';
    this.#item.command = 'torchlean.showLog';
  }

  show(phase: Phase): void {
    this.#steady.set(new Map([['bar', JSON.stringify(appearance(phase))]]));
  }

  dispose(): void {
    this.#steady.dispose();
    this.#item.dispose();
  }

  #draw({ text, detail, severity }: Appearance): void {
    this.#item.text = text;
    this.#item.backgroundColor = BACKGROUNDS[severity];
    const tooltip = new vscode.MarkdownString();
    tooltip.appendText(detail);
    tooltip.appendMarkdown(
      '\n\n[Show the log](command:torchlean.showLog) · [Restart](command:torchlean.restartServer) · ' +
        '[Settings](command:torchlean.openSettings)',
    );
    tooltip.isTrusted = {
      enabledCommands: ['torchlean.showLog', 'torchlean.restartServer', 'torchlean.openSettings'],
    };
    this.#item.tooltip = tooltip;
    this.#item.accessibilityInformation = { label: `${text.replace(/\$\([^)]*\) /, '')}. ${detail}` };
    this.#item.show();
  }
}
