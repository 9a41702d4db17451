/**
 * Drawing without flicker. What is drawn gives way when it has been out of date for the delay: a state that comes and goes
 * within it is never drawn, and an old one never stays longer, however often the new one changes meanwhile.
 */

/** Milliseconds. */
export const STEADY = 200;

/** What is drawn of one thing (undefined: nothing), and since when (milliseconds) it should be something else. */
export interface Drawn<T> {
  value: T | undefined;
  outdated?: number;
}

/** What is to be drawn at this time, when `wanted` is what is true. Pure; values are compared with `===`. */
export function settle<T>(drawn: Drawn<T>, wanted: T | undefined, now: number): Drawn<T> {
  if (drawn.value === wanted) return { value: wanted };
  const outdated = drawn.outdated ?? now;
  return now - outdated >= STEADY ? { value: wanted } : { value: drawn.value, outdated };
}

/** Several things by their names. Draws all of them whenever something was told or has settled. */
export class Steady<T> {
  #draw: (values: ReadonlyMap<string, T>) => void;
  #drawn = new Map<string, Drawn<T>>();
  #wanted: ReadonlyMap<string, T> = new Map();
  #timer: NodeJS.Timeout | undefined;

  constructor(draw: (values: ReadonlyMap<string, T>) => void) {
    this.#draw = draw;
  }

  set(wanted: ReadonlyMap<string, T>): void {
    this.#wanted = wanted;
    this.#settle();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    const values = new Map<string, T>();
    let due = Infinity;
    for (const name of new Set([...this.#drawn.keys(), ...this.#wanted.keys()])) {
      const next = settle(this.#drawn.get(name) ?? { value: undefined }, this.#wanted.get(name), now);
      if (next.value !== undefined) values.set(name, next.value);
      if (next.value === undefined && next.outdated === undefined) this.#drawn.delete(name);
      else this.#drawn.set(name, next);
      if (next.outdated !== undefined) due = Math.min(due, next.outdated + STEADY - now);
    }
    if (due < Infinity) {
      this.#timer = setTimeout(() => {
        this.#settle();
      }, due);
    }
    this.#draw(values);
  }
}
