// One walk through the real workbench with the packaged extension, as a person would take it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { person } from './person.mjs';
import { artefacts, descendants, until, vsix, withWorkbench } from './workbench.mjs';

const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

test('a file is opened, hovered, broken and repaired, and the server comes back when it is killed', { timeout: 600_000 }, () =>
  withWorkbench({ name: 'workbench', files, vsix }, async ({ page, pid, outside, open }) => {
    const { openFile, goToLine, command, checked, hover, unhover, claims } = person(page);
    const picture = (name) => page.screenshot({ path: path.join(artefacts, `${name}.png`) });
    await open();
    await openFile('controller.py', 'class Controller');

    // The claim that is false has its squiggle, and the status bar comes to rest.
    await goToLine(52);
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    await checked();

    // A layer's line tells its interval, and claims have their marks in the gutter.
    await goToLine(21);
    assert.match(await hover(/torch\.relu\(self\.fc1/, /fc1/), /\[-?\d+\.\d+.*,\s*-?\d+\.\d+.*\]/);
    await until('marks in the gutter', async () => (await marks(page)) >= 2);
    await picture('hover');
    await unhover();

    // The view of claims, and the Test explorer beside it.
    const views = await claims();
    await views.locator('.monaco-list-row', { hasText: 'too_tight' }).getByText(/refuted/).first().waitFor();
    await command('Test: Run All Tests');
    await page.getByText(/\b5\/6\b/).first().waitFor(); // all but `too_tight`
    await picture('claims');

    // Broken: the second layer takes what the first does not give.
    const layer = page.locator('.view-line', { hasText: 'nn.Linear(2, hidden)' });
    await layer.click();
    await page.keyboard.press('End');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.type(' + 1');
    const wrong = page.locator('.view-line', { hasText: 'nn.Linear(2, hidden + 1)' });
    await wrong.waitFor();
    await page.keyboard.press('Control+Shift+M');
    const problems = page.locator('.markers-panel');
    await problems.getByText(/TL1\d\d/).first().waitFor();
    await picture('broken');

    // Repaired.
    await wrong.click();
    for (let times = 0; times < 4; times++) await page.keyboard.press('Control+Z');
    await layer.waitFor();
    await problems.getByText(/TL1\d\d/).first().waitFor({ state: 'detached' });

    // Killed.
    const [killed] = descendants(pid, 'torchlean lsp');
    assert.ok(killed, 'the server runs');
    process.kill(killed, 'SIGKILL');
    const back = await until('another server', () => descendants(pid, 'torchlean lsp').find((p) => p !== killed));
    assert.notEqual(back, killed);
    await checked();
    await goToLine(52);
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    await picture('back');

    // A second window on the same folder has a server of its own, and both show what is there.
    const second = await page.context().browser().newPage();
    await open(second);
    const other = person(second);
    await other.openFile('controller.py', 'class Controller');
    await other.checked();
    await other.goToLine(52);
    await second.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    assert.equal(descendants(pid, 'torchlean lsp').length, 2);
    await second.close();

    // The walkthrough for first use.
    await command('TorchLean: Get Started');
    await page.getByText('Have the server running').first().waitFor();
    await picture('walkthrough');
    fs.writeFileSync(path.join(artefacts, 'outside-hosts.txt'), [...outside].sort().join('\n'));
  }),
);

/** How many icons of the extension are drawn in the gutter. */
function marks(page) {
  return page.evaluate(() => {
    const drawn = (element, part) => getComputedStyle(element, part).backgroundImage.includes('data:image/svg+xml');
    const icons = [...document.querySelectorAll('.glyph-margin-widgets .cgmr')];
    return icons.filter((icon) => drawn(icon) || drawn(icon, '::before')).length;
  });
}
