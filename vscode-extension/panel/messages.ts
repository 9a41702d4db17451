/** What the panel and the extension (src/panel/panel.ts) tell each other. */

import type { Graph, InputBox, Method, Position, Range } from './model.ts';

/** From the panel to the extension. */
export type ToExtension =
  | { type: 'ready' }
  | { type: 'ask'; unit: string | null; method: Method | null }
  | { type: 'setDomain'; unit: string; domain: InputBox[] | null }
  | { type: 'reveal'; range: Range; enter: boolean }
  | { type: 'save'; name: string; text: string };

/** From the extension to the panel. */
export type ToPanel =
  | { type: 'graph'; graph: Graph }
  | { type: 'cursor'; place: Position }
  | { type: 'waiting' }
  | { type: 'problem'; text: string };
