/** Draws the marks of claims and modules, and what is still unchecked, in the gutter of the editors that show a document. */

import * as vscode from 'vscode';
import type { ClaimList } from '../claims/list.ts';
import type { Activity } from '../status/activity.ts';
import { Steady } from '../status/steady.ts';
import { type Theme, svg } from './icons.ts';
import { type Lines, iconOf, layout, wanted } from './marks.ts';

/** The section of the settings. */
export const MARKS = 'torchlean.gutterMarks';

export function marksEnabled(): boolean {
  return vscode.workspace.getConfiguration(MARKS).get<boolean>('enabled', true);
}

export class Gutter implements vscode.Disposable {
  readonly #list: ClaimList;
  readonly #activity: Activity;
  /** One for each icon that was ever drawn, by its name. */
  readonly #types = new Map<string, vscode.TextEditorDecorationType>();
  readonly #documents = new Map<string, Steady<string>>();
  readonly #shown = new Map<string, ReadonlyMap<string, Lines[]>>();
  readonly #listeners: vscode.Disposable;

  constructor(list: ClaimList, activity: Activity) {
    this.#list = list;
    this.#activity = activity;
    const all = (): void => {
      for (const editor of vscode.window.visibleTextEditors) this.#update(editor.document.uri.toString());
    };
    this.#listeners = vscode.Disposable.from(
      list.onChange((uri) => {
        this.#update(uri);
      }),
      vscode.window.onDidChangeVisibleTextEditors(all),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(MARKS)) all();
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#documents.get(uri.toString())?.dispose();
        this.#documents.delete(uri.toString());
        this.#shown.delete(uri.toString());
      }),
    );
  }

  /** Where each icon was drawn last, by its name. */
  shown(uri: string): ReadonlyMap<string, Lines[]> {
    return this.#shown.get(uri) ?? new Map<string, Lines[]>();
  }

  dispose(): void {
    this.#listeners.dispose();
    for (const steady of this.#documents.values()) steady.dispose();
    for (const type of this.#types.values()) type.dispose();
  }

  #update(uri: string): void {
    let steady = this.#documents.get(uri);
    if (steady === undefined) {
      if (this.#list.answer(uri) === undefined) return; // no document of ours
      steady = new Steady((drawn) => {
        this.#draw(uri, drawn);
      });
      this.#documents.set(uri, steady);
    }
    steady.set(
      marksEnabled() ? wanted(this.#list.answer(uri), this.#activity.stages(uri)) : new Map<string, string>(),
    );
  }

  #draw(uri: string, drawn: ReadonlyMap<string, string>): void {
    const answer = this.#list.answer(uri);
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      if (document.uri.toString() !== uri) continue;
      // An answer about an older text is followed by another; until then, what is drawn moves with the text.
      if (answer !== undefined && answer.textDocument.version !== document.version) continue;
      const places = layout(answer, drawn, document.lineCount);
      this.#shown.set(uri, places);
      for (const name of new Set([...this.#types.keys(), ...places.keys()])) {
        const ranges = (places.get(name) ?? []).map(([first, last]) => new vscode.Range(first, 0, last, 0));
        editor.setDecorations(this.#type(name), ranges);
      }
    }
  }

  #type(name: string): vscode.TextEditorDecorationType {
    let type = this.#types.get(name);
    if (type === undefined) {
      const themed = (theme: Theme): vscode.ThemableDecorationRenderOptions => ({
        gutterIconPath: vscode.Uri.parse(
          `data:image/svg+xml;base64,${Buffer.from(svg(iconOf(name), theme)).toString('base64')}`,
        ),
      });
      type = vscode.window.createTextEditorDecorationType({
        light: themed('light'),
        dark: themed('dark'),
        gutterIconSize: 'cover',
      });
      this.#types.set(name, type);
    }
    return type;
  }
}
