/** The panel in VS Code: everything goes through messages to the extension (src/panel/panel.ts). */

import type { App, Host } from './app.ts';
import type { ToExtension, ToPanel } from './messages.ts';

export function webview(api: { postMessage(message: unknown): void }): (make: (host: Host) => App) => void {
  const send = (message: ToExtension): void => {
    api.postMessage(message);
  };
  return (make) => {
    const app = make({
      live: true,
      ask: (unit, method) => {
        send({ type: 'ask', unit, method });
      },
      setDomain: (unit, domain) => {
        send({ type: 'setDomain', unit, domain });
      },
      reveal: (range, enter) => {
        send({ type: 'reveal', range, enter });
      },
      save: (name, text) => {
        send({ type: 'save', name, text });
      },
    });
    window.addEventListener('message', ({ data }: MessageEvent<ToPanel>) => {
      if (data.type === 'graph') app.show(data.graph);
      else if (data.type === 'cursor') app.cursor(data.place);
      else if (data.type === 'waiting') app.waiting();
      else app.problem(data.text);
    });
    send({ type: 'ready' });
  };
}
