/**
 * The server's life: found, started, started again when it dies, given up. Each start is a new client, and looks for the
 * server anew, so that what a person repaired in between counts.
 */

import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
} from 'vscode-languageclient/node';
import { ClaimList } from '../claims/list.ts';
import { Activity, type Stage } from '../status/activity.ts';
import type { Phase } from '../status/phase.ts';
import { type Found, locate } from './locate.ts';
import { machine, places } from './environment.ts';
import { Restarts, TRIES } from './restarts.ts';
import { objection } from './versions.ts';
import { middleware } from './trust.ts';

/** docs/protocol.md */
interface ProgressParams {
  textDocument: { uri: string };
  unchecked: { stage: Stage }[];
}

const SELECTOR = ['file', 'untitled'].flatMap((scheme) =>
  ['python', 'vnnlib'].map((language) => ({ scheme, language })),
);

export class Session implements vscode.Disposable {
  readonly activity = new Activity();
  readonly claims = new ClaimList();
  /** Where the server that was started last was found. */
  origin: string | undefined;
  #context: vscode.ExtensionContext;
  #log: vscode.LogOutputChannel;
  #show: (phase: Phase) => void;
  #client: LanguageClient | undefined;
  #restarts = new Restarts();
  #timer: NodeJS.Timeout | undefined;
  /** Counts starts: what comes from an earlier one is ignored. */
  #generation = 0;

  constructor(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, show: (phase: Phase) => void) {
    this.#context = context;
    this.#log = log;
    this.#show = show;
    context.subscriptions.push(
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.activity.closed(document.uri.toString());
        this.claims.closed(document.uri.toString());
        this.#showActivity();
      }),
    );
  }

  get client(): LanguageClient | undefined {
    return this.#client;
  }

  /** A person, or a change of the settings, wants a new server. */
  async restart(): Promise<void> {
    this.#restarts.forget();
    await this.stop();
    await this.start();
  }

  async start(): Promise<void> {
    const generation = ++this.#generation;
    this.#show({ kind: 'starting' });
    const located = await locate(await places(this.#context), machine(this.#context.extensionPath));
    if (generation !== this.#generation) return;
    if (located.kind === 'unusable') {
      this.#fail(`${located.reason}.`, 'Open Settings', 'torchlean.openSettings');
    } else if (located.kind === 'absent') {
      this.#log.warn(`no server; looked at: ${located.looked.join(', ')}`);
      this.#show({ kind: 'absent' });
      void this.#offer(
        'TorchLean is not installed in a Python environment of this workspace.',
        'Install',
        'torchlean.installServer',
      );
    } else {
      this.origin = located.origin;
      this.#log.info(`starting ${[located.command, ...located.args].join(' ')} (found in ${located.origin})`);
      await this.#run(located, generation);
    }
  }

  async stop(): Promise<void> {
    this.#generation++;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    this.#forget();
    this.#show({ kind: 'off' });
    if (client?.needsStop()) await client.stop().catch(() => undefined); // dead already
  }

  /** Resolves when everything of the document is checked, or nothing more will come. */
  async checked(uri: string, token: vscode.CancellationToken): Promise<void> {
    const client = this.#client;
    if (!client?.isRunning()) return;
    const params = { textDocument: { uri, version: null } };
    try {
      await client.sendRequest('torchlean/waitUntilChecked', params, token);
      await this.claims.ask(client, uri);
    } catch {
      // Cancelled, or the server ended: what is known of the claims is not current then.
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.claims.dispose();
  }

  async #run(found: Found, generation: number): Promise<void> {
    const died = (what: string): void => {
      if (generation === this.#generation) this.#died(what);
    };
    const options: LanguageClientOptions = {
      documentSelector: SELECTOR,
      outputChannel: this.#log,
      middleware,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        // Restarting is done here, with a new client, not by this one.
        closed: () => {
          died('the server stopped unexpectedly');
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
      initializationFailedHandler: () => false,
    };
    // Not in the workspace's folder: Python would look for modules there first (see `machine`).
    const server = {
      command: found.command,
      args: found.args,
      options: { cwd: this.#context.extensionPath },
    };
    const client = new LanguageClient('torchlean', 'TorchLean', server, options);
    client.onNotification('torchlean/progress', (params: ProgressParams) => {
      if (generation !== this.#generation) return;
      this.activity.update(
        params.textDocument.uri,
        params.unchecked.map((part) => part.stage),
      );
      this.#showActivity();
      void this.claims.ask(client, params.textDocument.uri);
    });
    this.#client = client;
    try {
      await client.start();
    } catch (error) {
      died(`the server did not start: ${String(error)}`);
      return;
    }
    if (generation !== this.#generation) return;
    const { name, version } = client.initializeResult?.serverInfo ?? {};
    const reason = objection(name, version);
    if (reason === undefined) {
      this.#log.info(`TorchLean ${version ?? ''} is running`);
      this.#showActivity();
      return;
    }
    await this.stop();
    this.#fail(`${found.command} is not the right server: ${reason}.`, 'Update', 'torchlean.installServer');
  }

  #died(what: string): void {
    this.#generation++;
    this.#client = undefined;
    this.#forget();
    const next = this.#restarts.next(Date.now());
    if (next === undefined) {
      this.#fail(
        `${what}, ${TRIES} times in three minutes; it is not started again by itself.`,
        'Restart',
        'torchlean.restartServer',
      );
      return;
    }
    this.#log.warn(`${what}; try ${next.number} of ${TRIES} in ${next.delay} ms`);
    const waiting = vscode.workspace.textDocuments.filter(
      (document) => vscode.languages.match(SELECTOR, document) > 0,
    ).length;
    this.#show({ kind: 'restarting', number: next.number, tries: TRIES, waiting });
    this.#timer = setTimeout(() => void this.start(), next.delay);
  }

  #forget(): void {
    this.activity.clear();
    this.claims.clear();
  }

  #showActivity(): void {
    if (this.#client?.isRunning()) this.#show({ kind: 'running', activity: this.activity.summary() });
  }

  #fail(reason: string, button: string, command: string): void {
    const sentence = reason.charAt(0).toUpperCase() + reason.slice(1);
    this.#log.error(sentence);
    this.#show({ kind: 'failed', reason: sentence });
    void this.#offer(`TorchLean: ${sentence}`, button, command);
  }

  async #offer(message: string, button: string, command: string): Promise<void> {
    const answer = await vscode.window.showErrorMessage(message, button, 'Show the Log');
    if (answer === button) await vscode.commands.executeCommand(command);
    else if (answer !== undefined) await vscode.commands.executeCommand('torchlean.showLog');
  }
}
