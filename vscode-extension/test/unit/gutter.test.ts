import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileOf, legend } from '../../scripts/legend.ts';
import type { ClaimsResult } from '../../src/claims/model.ts';
import { COLOURS, type Freshness, GROUNDS, type Icon, type Verdict, svg } from '../../src/gutter/icons.ts';
import { iconName, iconOf, layout, wanted } from '../../src/gutter/marks.ts';
import { claim } from './claim.ts';

const VERDICTS: Verdict[] = ['kernel', 'bounds', 'refuted', 'unknown', 'none'];
const FRESHNESS: Freshness[] = ['current', 'checking', 'stale'];

function at(line: number): {
  start: { line: number; character: number };
  end: { line: number; character: number };
} {
  return { start: { line, character: 4 }, end: { line, character: 9 } };
}

function answer(changes: Partial<ClaimsResult>): ClaimsResult {
  return { textDocument: { uri: 'file:///m.py', version: 1 }, claims: [], modules: [], ...changes };
}

/** Lines by icon, when everything that is true is drawn. */
function drawn(
  given: ClaimsResult,
  stages: Parameters<typeof wanted>[1] = [],
  lines = 10,
): Record<string, unknown> {
  return Object.fromEntries(layout(given, wanted(given, stages), lines));
}

test('each verdict has its mark, and each freshness changes it', () => {
  const cases: [Partial<Parameters<typeof claim>[0]>, string][] = [
    [{ evidence: 'kernel' }, 'kernel-current'],
    [{ evidence: 'engine' }, 'bounds-current'],
    [{ verdict: 'refuted', evidence: 'counterexample' }, 'refuted-current'],
    [{ verdict: 'unknown', evidence: 'none' }, 'unknown-current'],
    [{ verdict: null, evidence: 'none', lean: null }, 'none-checking'],
    [{ evidence: 'kernel', freshness: 'checking' }, 'kernel-checking'],
    [{ evidence: 'engine', freshness: 'stale' }, 'bounds-stale'],
    [{ lean: 'checking' }, 'bounds-current+lean'],
  ];
  for (const [changes, icon] of cases) {
    const given = answer({ claims: [claim({ lean: null, ...changes, range: at(3) })] });
    assert.deepEqual(drawn(given), { [icon]: [[3, 3]] });
  }
});

test('a module is marked only when its bounds are old or end somewhere', () => {
  const module = { name: 'Net', range: at(2), freshness: 'current' as const, failure: null };
  assert.deepEqual(drawn(answer({ modules: [module] })), {});
  assert.deepEqual(drawn(answer({ modules: [{ ...module, freshness: 'stale' }] })), {
    'none-stale': [[2, 2]],
  });
  const cut = { ...module, failure: 'shapes differ' };
  assert.deepEqual(drawn(answer({ modules: [cut] })), { 'unknown-current': [[2, 2]] });
});

test('while the text is analysed a bar stands beside every line, also beside marks', () => {
  const given = answer({ claims: [claim({ range: at(3), freshness: 'checking' })] });
  assert.deepEqual(drawn(given, ['analysis'], 6), {
    '+analysis': [
      [0, 2],
      [4, 5],
    ],
    'bounds-checking+analysis': [[3, 3]],
  });
  assert.deepEqual(drawn(answer({}), ['stopped'], 2), { '+stopped': [[0, 1]] });
});

test('where several claims stand on one line, the one that is most to be looked at is shown', () => {
  const claims = [
    claim({ name: 'safe[0]', range: at(1) }),
    claim({ name: 'safe[1]', range: at(1), verdict: 'refuted', evidence: 'counterexample' }),
    claim({ name: 'safe[2]', range: at(1), evidence: 'kernel' }),
  ];
  assert.deepEqual(drawn(answer({ claims })), { 'refuted-current': [[1, 1]] });
});

test('what is not drawn yet has no place, and what is gone has none any more', () => {
  const given = answer({ claims: [claim({ range: at(3) })] });
  assert.deepEqual([...layout(given, new Map(), 10)], []);
  assert.deepEqual([...layout(answer({}), new Map([['claim:holds', 'bounds-current']]), 10)], []);
});

test('names of icons can be read back', () => {
  const icons: Icon[] = [
    { bar: 'stopped' },
    { mark: { verdict: 'kernel', freshness: 'stale' }, bar: 'lean' },
  ];
  for (const icon of icons) assert.deepEqual(svg(iconOf(iconName(icon)), 'dark'), svg(icon, 'dark'));
});

test('without colours every verdict and every freshness still looks different', () => {
  const seen = new Map<string, string>();
  for (const verdict of VERDICTS) {
    for (const freshness of FRESHNESS) {
      if (freshness === 'checking') continue; // grey, and the bar stands beside it
      const grey = svg({ mark: { verdict, freshness } }, 'light').replace(/#[0-9a-f]{6}/g, '#');
      assert.ok(!seen.has(grey), `${verdict} ${freshness} looks like ${seen.get(grey) ?? ''}`);
      seen.set(grey, `${verdict} ${freshness}`);
    }
  }
});

test('each colour can be told from the background of its theme', () => {
  for (const theme of ['light', 'dark'] as const) {
    for (const [name, colour] of Object.entries(COLOURS[theme])) {
      // WCAG 2.1, 1.4.11: graphical objects need 3:1.
      assert.ok(contrast(colour, GROUNDS[theme]) >= 3, `${theme} ${name}`);
    }
  }
});

test('the legend of the walkthrough shows the icons as they are', () => {
  for (const theme of ['light', 'dark'] as const) {
    assert.equal(readFileSync(fileOf(theme), 'utf8'), legend(theme), 'run `npm run legend`');
  }
});

/** WCAG 2.1, "contrast ratio" and "relative luminance". */
function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map((start) => Number.parseInt(colour.slice(start, start + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
