/**
 * The bounds panel in a webview beside the editor. It follows the file that is being edited: the server is asked whenever it
 * has checked a new text, and whenever a person asks for another unit, method or domain. The newest question wins.
 */

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Graph, InputBox, Method, Range } from '../../panel/model.ts';
import type { ToExtension, ToPanel } from '../../panel/messages.ts';
import type { Session } from '../server/session.ts';
import { STEADY } from '../status/steady.ts';
import { page } from './page.ts';

const TYPE = 'torchlean.bounds';

export class BoundsPanel implements vscode.Disposable {
  /** What is drawn, for tests. */
  graph: Graph | undefined;
  readonly #assets: vscode.Uri;
  readonly #session: Session;
  readonly #highlight = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.rangeHighlightBackground'),
  });
  readonly #listeners: vscode.Disposable;
  #panel: vscode.WebviewPanel | undefined;
  /** The document that is looked at, and what of it: null means what the server takes by itself. */
  #uri: string | undefined;
  #unit: string | null = null;
  #method: Method | null = null;
  /** Counts questions: an answer to an older one is not shown. */
  #asked = 0;

  constructor(context: vscode.ExtensionContext, session: Session) {
    this.#assets = vscode.Uri.joinPath(context.extensionUri, 'dist');
    this.#session = session;
    this.#listeners = vscode.Disposable.from(
      session.claims.onChange((uri) => {
        if (uri === this.#uri) void this.#follow();
      }),
      vscode.window.onDidChangeActiveTextEditor((editor) => {
        this.#look(editor);
      }),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
        const place = selections[0]?.active;
        if (textEditor.document.uri.toString() !== this.#uri || place === undefined) return;
        textEditor.setDecorations(this.#highlight, []);
        this.#post({ type: 'cursor', place: { line: place.line, character: place.character } });
      }),
    );
  }

  show(): void {
    if (this.#panel !== undefined) {
      this.#panel.reveal(undefined, true);
      return;
    }
    const options = {
      enableScripts: true,
      localResourceRoots: [this.#assets],
      retainContextWhenHidden: true,
    };
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = (this.#panel = vscode.window.createWebviewPanel(TYPE, 'Bounds', place, options));
    panel.onDidDispose(() => {
      this.#panel = this.graph = undefined;
      this.#asked++;
      for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(this.#highlight, []);
    });
    panel.webview.onDidReceiveMessage((message: ToExtension) => void this.#receive(message));
    const asset = (name: string): string =>
      panel.webview.asWebviewUri(vscode.Uri.joinPath(this.#assets, name)).toString();
    panel.webview.html = page({
      script: asset('panel.js'),
      style: asset('panel.css'),
      source: panel.webview.cspSource,
      nonce: randomBytes(16).toString('hex'),
    });
    this.#look(vscode.window.activeTextEditor);
  }

  dispose(): void {
    this.#listeners.dispose();
    this.#highlight.dispose();
    this.#panel?.dispose();
  }

  /** Another file is being edited. */
  #look(editor: vscode.TextEditor | undefined): void {
    if (this.#panel === undefined || editor?.document.languageId !== 'python') return;
    const uri = editor.document.uri.toString();
    if (uri === this.#uri) return;
    this.#uri = uri;
    this.#unit = null;
    const name = uri.slice(uri.lastIndexOf('/') + 1);
    this.#panel.title = `Bounds of ${decodeURIComponent(name)}`;
    void this.#follow();
  }

  async #receive(message: ToExtension): Promise<void> {
    switch (message.type) {
      case 'ready':
        await this.#follow();
        break;
      case 'ask':
        this.#unit = message.unit;
        this.#method = message.method;
        await this.#ask();
        break;
      case 'setDomain':
        await this.#setDomain(message.unit, message.domain);
        break;
      case 'reveal':
        await this.#reveal(message.range, message.enter);
        break;
      case 'save':
        await save(message.name, message.text);
    }
  }

  /** The server knows something new. While it analyses a newer text, what is drawn is marked as old. */
  async #follow(): Promise<void> {
    const uri = this.#uri;
    if (this.#panel === undefined || uri === undefined) return;
    if (!vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri)) {
      this.#asked++;
      this.#post({ type: 'problem', text: 'The file is closed.' });
    } else if (this.#session.activity.stages(uri).includes('analysis')) {
      this.#waitFor(++this.#asked);
    } else await this.#ask();
  }

  async #ask(): Promise<void> {
    const [client, uri, number] = [this.#session.client, this.#uri, ++this.#asked];
    if (!client?.isRunning() || uri === undefined) {
      this.#post({ type: 'problem', text: 'The server is not running.' });
      return;
    }
    const slow = this.#waitFor(number);
    const params = { textDocument: { uri }, unit: this.#unit, method: this.#method, elements: true };
    try {
      const graph = await client.sendRequest<Graph | null>('torchlean/graph', params);
      // Without a graph an edit has overtaken the question, and the next notification leads to another.
      if (number !== this.#asked || graph === null) return;
      this.graph = graph;
      this.#unit = graph.unit;
      this.#post({ type: 'graph', graph });
    } catch (error) {
      if (number !== this.#asked) return;
      if (this.#unit === null) this.#problem(error);
      else {
        // It may be gone from the text.
        this.#unit = null;
        await this.#ask();
      }
    } finally {
      clearTimeout(slow);
    }
  }

  /** What is answered at once is not marked as old before. */
  #waitFor(number: number): NodeJS.Timeout {
    return setTimeout(() => {
      if (number === this.#asked) this.#post({ type: 'waiting' });
    }, STEADY);
  }

  async #setDomain(unit: string, domain: InputBox[] | null): Promise<void> {
    const document = this.graph?.textDocument;
    if (document === undefined) return;
    try {
      const params = { textDocument: document, unit, domain };
      await this.#session.client?.sendRequest('torchlean/setDomain', params);
    } catch (error) {
      this.#problem(error);
      return;
    }
    await this.#ask();
  }

  async #reveal(range: Range, enter: boolean): Promise<void> {
    const uri = this.#uri;
    if (uri === undefined) return;
    const place = new vscode.Range(
      range.start.line,
      range.start.character,
      range.end.line,
      range.end.character,
    );
    let editor = vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === uri);
    if (editor === undefined || enter) {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
      editor = await vscode.window.showTextDocument(document, {
        viewColumn: editor?.viewColumn ?? vscode.ViewColumn.One,
        preserveFocus: !enter,
        ...(enter ? { selection: place } : {}),
      });
    }
    // Not by a selection, which is the person's own, and would lead back to the panel.
    editor.setDecorations(this.#highlight, [place]);
    editor.revealRange(place, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  #problem(error: unknown): void {
    this.#post({ type: 'problem', text: error instanceof Error ? error.message : String(error) });
  }

  #post(message: ToPanel): void {
    void this.#panel?.webview.postMessage(message);
  }
}

async function save(name: string, text: string): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const uri = await vscode.window.showSaveDialog({
    ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}),
    filters: { 'SVG picture': ['svg'] },
    title: 'Save the graph as an SVG file',
  });
  if (uri === undefined) return;
  try {
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  } catch (error) {
    void vscode.window.showErrorMessage(`TorchLean: ${uri.fsPath} cannot be written: ${String(error)}`);
  }
}
