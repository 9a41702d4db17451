/** Keeps the claims and modules of the open documents up to date: asks whenever the server says that something changed. */

import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { Claim, ClaimsResult } from './model.ts';

export class ClaimList implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<string>();
  /** The URI of a document of which something may have changed. */
  readonly onChange = this.#changed.event;
  readonly #answers = new Map<string, ClaimsResult>();
  readonly #asked = new Map<string, number>();

  /** URIs of the documents with claims, in the order of their names. */
  documents(): string[] {
    return [...this.#answers].flatMap(([uri, { claims }]) => (claims.length > 0 ? [uri] : [])).sort();
  }

  of(uri: string): readonly Claim[] {
    return this.#answers.get(uri)?.claims ?? [];
  }

  /** The last answer of the server about a document. */
  answer(uri: string): ClaimsResult | undefined {
    return this.#answers.get(uri);
  }

  async ask(client: LanguageClient, uri: string): Promise<void> {
    const number = (this.#asked.get(uri) ?? 0) + 1;
    this.#asked.set(uri, number);
    try {
      const result = await client.sendRequest<ClaimsResult>('torchlean/claims', { textDocument: { uri } });
      // A later question has a later answer.
      if (this.#asked.get(uri) === number) this.#take(uri, result);
    } catch {
      // The document was closed meanwhile, or the server ended: both take the claims away elsewhere.
    }
  }

  closed(uri: string): void {
    this.#asked.delete(uri);
    this.#take(uri, undefined);
  }

  clear(): void {
    for (const uri of [...this.#answers.keys()]) this.closed(uri);
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #take(uri: string, answer: ClaimsResult | undefined): void {
    if (answer !== undefined) this.#answers.set(uri, answer);
    else if (!this.#answers.delete(uri)) return;
    this.#changed.fire(uri);
  }
}

export function rangeOf(claim: Claim): vscode.Range {
  const { start, end } = claim.range;
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
