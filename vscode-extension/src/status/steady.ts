/** Drawing without flicker: a state that lasts shorter than the delay is never drawn. */

/** Milliseconds. */
export const STEADY = 200;

export class Steady<T> {
  #draw: (value: T) => void;
  #key: (value: T) => string;
  #drawn: string | undefined;
  #latest: T | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `key` tells values apart that look different. */
  constructor(draw: (value: T) => void, key: (value: T) => string = (value) => JSON.stringify(value)) {
    this.#draw = draw;
    this.#key = key;
  }

  /** The first value is drawn at once, later ones when they have stood for the delay. */
  set(value: T): void {
    if (this.#latest !== undefined && this.#key(value) === this.#key(this.#latest)) return;
    this.#latest = value;
    clearTimeout(this.#timer);
    if (this.#drawn === undefined) this.#now();
    else if (this.#key(value) !== this.#drawn) {
      this.#timer = setTimeout(() => {
        this.#now();
      }, STEADY);
    }
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  #now(): void {
    if (this.#latest === undefined) return;
    this.#drawn = this.#key(this.#latest);
    this.#draw(this.#latest);
  }
}
