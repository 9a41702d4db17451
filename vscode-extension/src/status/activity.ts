/** What the server is doing, summed up over all documents from its `torchlean/progress` notifications. Pure. */

export type Stage = 'analysis' | 'certificate' | 'lean' | 'stopped';

export type Summary =
  | { kind: 'idle' }
  | { kind: 'analysing'; documents: string[] }
  /** The claim that is being checked is number `current` of `total`, counted since Lean was last idle. */
  | { kind: 'lean'; current: number; total: number }
  /** The analysis of these ended without an answer, and nothing else goes on. */
  | { kind: 'stopped'; documents: string[] };

export class Activity {
  #stages = new Map<string, readonly Stage[]>();
  #pending = 0;
  #total = 0;

  /** A document's list of unchecked parts is now this one. */
  update(uri: string, stages: readonly Stage[]): void {
    if (stages.length > 0) this.#stages.set(uri, stages);
    else this.#stages.delete(uri);
    this.#count();
  }

  /** The document is closed. */
  closed(uri: string): void {
    this.update(uri, []);
  }

  /** The server is gone. */
  clear(): void {
    this.#stages.clear();
    this.#count();
  }

  /** What a document waits for. */
  stages(uri: string): readonly Stage[] {
    return this.#stages.get(uri) ?? [];
  }

  summary(): Summary {
    const analysed = this.#documentsAt('analysis');
    if (analysed.length > 0) return { kind: 'analysing', documents: analysed };
    if (this.#pending > 0) {
      return { kind: 'lean', current: this.#total - this.#pending + 1, total: this.#total };
    }
    const stopped = this.#documentsAt('stopped');
    return stopped.length > 0 ? { kind: 'stopped', documents: stopped } : { kind: 'idle' };
  }

  #documentsAt(stage: Stage): string[] {
    return [...this.#stages].filter(([, stages]) => stages.includes(stage)).map(([uri]) => uri);
  }

  #count(): void {
    const pending = [...this.#stages.values()]
      .flat()
      .filter((stage) => stage === 'certificate' || stage === 'lean').length;
    // Claims that join add to what there is to do; claims that leave are done with.
    this.#total = pending === 0 ? 0 : this.#total + Math.max(0, pending - this.#pending);
    this.#pending = pending;
  }
}
