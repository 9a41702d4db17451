/** Starts the panel: in a webview of VS Code, or on a page that carries its data. */

import { App } from './app.ts';
import { page } from './page.ts';
import { webview } from './webview.ts';

declare global {
  /** There in webviews alone. */
  function acquireVsCodeApi(): { postMessage(message: unknown): void };
}

const root = document.getElementById('torchlean-panel');
if (root !== null) {
  const start = 'acquireVsCodeApi' in globalThis ? webview(acquireVsCodeApi()) : page(document);
  start((host) => new App(root, host));
}
