import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  difference,
  elementName,
  factor,
  manner,
  moved,
  resized,
  shownBox,
  statedBox,
  track,
  typed,
} from '../../panel/domain.ts';
import { layout, neighbour, path } from '../../panel/layout.ts';
import {
  type GraphNode,
  type Input,
  drawn,
  histogramText,
  intervalText,
  nodeAt,
  shapeText,
  spoken,
  unitText,
  upperText,
} from '../../panel/model.ts';
import { STEPS, colour, extent, ink, luminance, mark } from '../../panel/scale.ts';
import { page } from '../../src/panel/page.ts';

function node(id: number, changes: Partial<GraphNode> = {}): GraphNode {
  return {
    id,
    op: 'relu',
    label: '',
    weight: false,
    inputs: [],
    shape: [2],
    dtype: 'float32',
    interval: '[0, 1]',
    lower: 0,
    upper: 1,
    width: 1,
    undefined: false,
    method: 'ibp',
    error: 0.1,
    rounding: '',
    reason: null,
    range: null,
    ...changes,
  };
}

function on(line: number, from: number, to: number): GraphNode['range'] {
  return { start: { line, character: from }, end: { line, character: to } };
}

function input(changes: Partial<Input> = {}): Input {
  const stated = { lower: [-1, 0], upper: [1, 4] };
  return { name: 'x', node: 0, shape: [2], dtype: 'float32', stated, chosen: null, ...changes };
}

/** 0 -> 1, 2 -> 3, and 4 by itself. */
const diamond = [
  node(0),
  node(1, { inputs: [0] }),
  node(2, { inputs: [0, 0] }),
  node(3, { inputs: [1, 2] }),
  node(4),
];

test('operands stand above what is computed from them, and nothing overlaps', () => {
  const { places, edges, width, height } = layout(diamond);
  assert.equal(places.size, 5);
  assert.deepEqual(
    edges.map(({ from, to }) => [from, to]),
    [[0, 1], [0, 2], [1, 3], [2, 3]], // prettier-ignore
  );
  for (const { from, to, points } of edges) {
    const [above, below] = [places.get(from), places.get(to)];
    assert.ok(above && below && above.y < below.y && above.row < below.row);
    assert.match(path(points), /^M[\d. ]+(Q[\d. ]+)*L[\d. ]+$/);
  }
  const all = [...places.values()];
  for (const a of all) {
    assert.ok(a.x > 0 && a.x < width && a.y > 0 && a.y < height);
    for (const b of all) assert.ok(a === b || a.row !== b.row || Math.abs(a.x - b.x) > 200);
  }
});

test('a graph without nodes and one with a thousand are laid out', () => {
  assert.equal(layout([]).places.size, 0);
  const chain = Array.from({ length: 1000 }, (_, id) => node(id, { inputs: id > 0 ? [id - 1] : [] }));
  assert.equal(layout(chain).places.get(999)?.row, 999);
});

test('arrows lead along edges and rows, and stop at the border', () => {
  const drawing = layout(diamond);
  assert.equal(neighbour(drawing, 3, 'ArrowDown'), undefined);
  assert.ok([1, 2].includes(neighbour(drawing, 3, 'ArrowUp') ?? -1));
  assert.equal(neighbour(drawing, 1, 'ArrowUp'), 0);
  assert.equal(neighbour(drawing, 2, 'ArrowDown'), 3);
  const right = neighbour(drawing, 1, 'ArrowRight');
  const left = neighbour(drawing, 1, 'ArrowLeft');
  assert.ok(right === 2 || left === 2);
  assert.equal(drawing.places.get(neighbour(drawing, 3, 'Home') ?? -1)?.row, 0);
  assert.equal(neighbour(drawing, 0, 'End'), 3);
  assert.equal(neighbour(drawing, 77, 'End'), undefined);
});

test('the cursor finds the smallest place around it, and keeps what is chosen there', () => {
  const nodes = [
    node(0, { range: on(3, 8, 30) }),
    node(1, { range: on(3, 12, 20) }),
    node(2, { range: on(3, 12, 20) }),
    node(3),
  ];
  assert.equal(nodeAt(nodes, { line: 3, character: 15 }, undefined)?.id, 2);
  assert.equal(nodeAt(nodes, { line: 3, character: 15 }, 1)?.id, 1);
  assert.equal(nodeAt(nodes, { line: 3, character: 15 }, 0)?.id, 0);
  assert.equal(nodeAt(nodes, { line: 3, character: 25 }, 1)?.id, 0);
  assert.equal(nodeAt(nodes, { line: 3, character: 2 }, 1)?.id, 1);
  assert.equal(nodeAt(nodes, { line: 3, character: 2 }, undefined)?.id, 2);
  assert.equal(nodeAt(nodes, { line: 9, character: 0 }, 1), undefined);
});

test('weights are drawn when they are asked for', () => {
  const nodes = [node(0, { weight: true }), node(1), node(2, { weight: true }), node(3, { op: 'input' })];
  assert.deepEqual(drawn(nodes, false).map(({ id }) => id), [1, 3]); // prettier-ignore
  assert.equal(drawn(nodes, true).length, 4);
});

test('printed widths and errors are never below what they stand for', () => {
  assert.equal(upperText(0), '0');
  assert.equal(upperText(1.001), '1.01');
  assert.equal(upperText(999.9), '1000');
  for (let power = -40; power < 40; power++) {
    for (const digits of [1, 1.005, 1.9999, 9.995, 3.14159]) {
      const value = digits * 10 ** power;
      const text = Number(upperText(value));
      assert.ok(text >= value && text <= value * 1.02, `${value} as ${text}`);
    }
  }
});

test('a node is read out with its name, interval, width, error and line', () => {
  const said = spoken(node(0, { label: 'self.fc(x)', op: 'linear', range: on(20, 0, 1) }));
  assert.equal(said, 'linear · self.fc(x), shape (2,), interval [0, 1], width 1, float32 error 0.1, line 21');
  const bool = node(0, { dtype: 'bool', lower: 1, upper: 1, interval: '[1, 1]' });
  assert.equal(intervalText(bool), 'always true');
  assert.equal(intervalText({ ...bool, lower: 0 }), 'true or false');
  assert.equal(intervalText({ ...bool, undefined: true }), 'true or false');
  assert.equal(intervalText(node(0, { interval: '', width: null })), 'no bound');
  assert.equal(shapeText([]), '()');
  assert.equal(unitText('claim:a:b'), 'a:b (claim)');
});

test('the scale runs from the narrowest to the widest interval by factors', () => {
  const nodes = [node(0, { width: 0.01 }), node(1, { width: 1 }), node(2, { width: 100 })];
  const scale = extent(nodes);
  assert.deepEqual(
    nodes.map((one) => mark(one, scale)),
    [0, 0.5, 1].map((share) => ({ kind: 'width', share })),
  );
  assert.equal(mark(node(0, { width: 0 }), scale).kind, 'exact');
  assert.equal(mark(node(0, { width: null }), scale).kind, 'unbounded');
  assert.equal(mark(node(0, { width: null, interval: '' }), scale).kind, 'unknown');
  assert.equal(mark(node(0, { dtype: 'bool' }), scale).kind, 'unknown');
  assert.deepEqual([colour(0), colour(1)], [STEPS[0], STEPS.at(-1)]);
  assert.equal(extent([node(0, { width: 0 })]), undefined);
});

test('the colours get steadily lighter, and what is written on them can be read', () => {
  const lights = STEPS.map(luminance);
  lights.slice(1).forEach((light, index) => {
    assert.ok(light > (lights[index] ?? 1) + 0.02, STEPS[index + 1]);
  });
  for (const step of STEPS) {
    const [a, b] = [luminance(step), luminance(ink(step))].sort((x, y) => y - x) as [number, number];
    assert.ok((a + 0.05) / (b + 0.05) >= 4.5, `${step}: WCAG AA`);
  }
});

test('an end that is moved past the other takes it along', () => {
  const box = { lower: [-1, 0], upper: [1, 4] };
  assert.deepEqual(moved(box, 0, 'lower', 0.5), { lower: [0.5, 0], upper: [1, 4] });
  assert.deepEqual(moved(box, 0, 'lower', 2), { lower: [2, 0], upper: [2, 4] });
  assert.deepEqual(moved(box, 1, 'upper', -3), { lower: [-1, -3], upper: [1, -3] });
  assert.deepEqual(box, { lower: [-1, 0], upper: [1, 4] });
});

test('a box is resized about its middle, and at its own size is exactly what the file says', () => {
  const box = { lower: [0.1, -2], upper: [0.7, 2] };
  assert.deepEqual(resized(box, 1), box);
  assert.deepEqual(resized(box, 0).lower[1], 0);
  assert.deepEqual(resized({ lower: [-2], upper: [2] }, 0.5), { lower: [-1], upper: [1] });
  assert.equal(factor({ lower: [3, -2], upper: [3, 2] }, { lower: [3, -1], upper: [3, 1] }), 0.5);
  assert.equal(factor({ lower: [3], upper: [3] }, { lower: [3], upper: [3] }), 1);
});

test('what is sent are the boxes that differ from the stated ones', () => {
  const inputs = [input(), input({ name: 'y', stated: null, shape: [] })];
  const same = new Map([['x', { lower: [-1, 0], upper: [1, 4] }]]);
  assert.equal(difference(inputs, same), null);
  const other = { lower: [-1, 0], upper: [1, 5] };
  assert.deepEqual(difference(inputs, new Map([['x', other]])), [{ input: 'x', ...other }]);
  const free = new Map([['y', { lower: [-1], upper: [1] }]]);
  assert.deepEqual(difference(inputs, free), [{ input: 'y', lower: [-1], upper: [1] }]);
});

test('what nobody touched is not sent', () => {
  assert.equal(difference([input({ stated: null })], new Map()), null);
});

test('small inputs are set element by element, large ones as a whole', () => {
  assert.deepEqual(shownBox(input()), { lower: [-1, 0], upper: [1, 4] });
  assert.deepEqual(shownBox(input({ chosen: { lower: [0], upper: [2] } })), { lower: [0, 0], upper: [2, 2] });
  assert.deepEqual(shownBox(input({ stated: null })), { lower: [-1, -1], upper: [1, 1] });
  const many = Array<number>(100).fill(0);
  const image = input({ shape: [10, 10], stated: { lower: many, upper: many.map(() => 1) } });
  assert.equal(manner(image), 'size');
  assert.equal(shownBox(image).upper.length, 100);
  const huge = input({ shape: [100, 100], stated: { lower: [0], upper: [1] } });
  assert.equal(manner(huge), 'all');
  assert.deepEqual(shownBox(huge), { lower: [0], upper: [1] });
  assert.equal(statedBox(input({ stated: { lower: [null, 0], upper: [1, 1] } })), undefined);
});

test('sliders reach twice the stated interval and whatever is chosen', () => {
  const stated = { lower: [-1], upper: [1] };
  assert.deepEqual(track(stated, stated, 0), { min: -2, max: 2, step: 0.02 });
  assert.equal(track(stated, { lower: [-9], upper: [1] }, 0).min, -9);
  const point = track({ lower: [3], upper: [3] }, { lower: [3], upper: [3] }, 0);
  assert.ok(point.min < 3 && point.max > 3);
  assert.deepEqual(track(undefined, { lower: [-1], upper: [1] }, 0), { min: -20, max: 20, step: 0.2 });
});

test('only numbers are taken for numbers', () => {
  assert.equal(typed(' -1.5e-3 '), -0.0015);
  assert.equal(typed('0,25'), 0.25);
  for (const text of ['', ' ', '-', '1e999', 'Infinity', 'NaN', '1 2'])
    assert.equal(typed(text), undefined, text);
});

test('elements are named by their place', () => {
  assert.equal(elementName(input({ shape: [2, 3] }), 4), 'x[1, 1]');
  assert.equal(elementName(input({ shape: [] }), 0), 'x');
});

test('a histogram is read out with its ends and its peak', () => {
  assert.equal(
    histogramText({ start: 0, end: 4, counts: [1, 7, 2, 0] }, 'Elements by width'),
    'Elements by width from 0 to 4; most, 7, between 1 and 2',
  );
});

test('the document lets one script and one style sheet in, and nothing from the network', () => {
  const text = page({ script: 's.js', style: 's.css', source: 'vscode-resource:', nonce: 'n0' });
  const policy = /content="([^"]+)"/.exec(text)?.[1];
  assert.equal(policy, "default-src 'none'; script-src 'nonce-n0'; style-src vscode-resource:");
  assert.equal(text.match(/<script/g)?.length, 1);
  assert.match(text, /<script nonce="n0" src="s.js">/);
});
