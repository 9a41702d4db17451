/** The panel on a page of its own, with the graphs of all units and the file's text beside it. */

import type { App, Host } from './app.ts';
import { html } from './elements.ts';
import type { Graph, Method, Range } from './model.ts';

/** What `torchlean report` embeds. */
interface Embedded {
  text: string;
  /** By unit and method. */
  graphs: Record<string, Record<Method, Graph>>;
}

export function page(document: Document): (make: (host: Host) => App) => void {
  const data = JSON.parse(document.getElementById('torchlean-data')?.textContent ?? '{}') as Embedded;
  const units = Object.keys(data.graphs);
  const source = document.getElementById('torchlean-source');
  return (make) => {
    const lines = data.text.split(/\r\n|\r|\n/).map((line, index) => {
      const element = html('li', { tabIndex: -1 }, html('code', {}, line || ' '));
      element.addEventListener('click', () => {
        const place = { line: index, character: line.length };
        show(lines, { start: place, end: place }, false);
        app.cursor(place);
      });
      return element;
    });
    source?.replaceChildren(html('ol', {}, ...lines));
    const app = make({
      live: false,
      ask: (unit, method) => {
        const graph = data.graphs[unit ?? units[0] ?? '']?.[method ?? 'crown'];
        if (graph !== undefined) app.show({ ...graph, units });
      },
      setDomain: () => undefined,
      reveal: (range, enter) => {
        show(lines, range, enter);
      },
      save: download,
    });
    const first = data.graphs[units[0] ?? '']?.crown;
    if (first !== undefined) app.show({ ...first, units });
  };
}

function show(lines: HTMLElement[], { start, end }: Range, enter: boolean): void {
  lines.forEach((line, index) => line.classList.toggle('shown', index >= start.line && index <= end.line));
  const line = lines[start.line];
  // Within the text's own frame: the page itself stays where it is.
  const frame = line?.closest('#torchlean-source');
  if (line && frame) frame.scrollTop = line.offsetTop - frame.clientHeight / 3;
  if (enter) line?.focus({ preventScroll: true });
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  html('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
