/** How often a server that dies is started again. Pure: the clock is the caller's. */

/** Tries within `WINDOW`; a server that dies more often than that will die again. */
export const TRIES = 5;

/** Milliseconds. Long enough that five deaths within it are no accident. */
export const WINDOW = 180_000;

/** Milliseconds before the second try; it doubles with each. The first comes at once: most crashes happen once. */
const PATIENCE = 500;

export interface Try {
  /** Counted from 1. */
  number: number;
  /** Milliseconds to wait first. */
  delay: number;
}

export class Restarts {
  #times: number[] = [];

  /** The server has died at this time (milliseconds): the next try, or undefined when there have been enough. */
  next(now: number): Try | undefined {
    this.#times = this.#times.filter((time) => now - time < WINDOW);
    if (this.#times.length >= TRIES) return undefined;
    this.#times.push(now);
    const number = this.#times.length;
    return { number, delay: number === 1 ? 0 : PATIENCE * 2 ** (number - 2) };
  }

  /** A person starts the server: what was counts no more. */
  forget(): void {
    this.#times = [];
  }
}
