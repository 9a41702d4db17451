// One walk through the real workbench with the packaged extension, as a person would take it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { artefacts, descendants, root, until, withWorkbench } from './workbench.mjs';

const vsix = path.join(root, 'vscode-extension/dist/torchlean.vsix');
const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

test('a file is opened, hovered, broken and repaired, and the server comes back when it is killed', { timeout: 600_000 }, () =>
  withWorkbench({ name: 'workbench', files, vsix }, async ({ page, pid, outside, open }) => {
    await open();
    await page.locator('.explorer-folders-view').getByText('controller.py').first().dblclick();
    await page.locator('.view-line', { hasText: 'class Controller' }).waitFor();

    const goToLine = async (number) => {
      await page.keyboard.press('Control+G');
      await page.locator('.quick-input-widget input').first().fill(`:${number}`);
      await page.keyboard.press('Enter');
    };

    // The claim that is false has its squiggle, and the status bar comes to rest.
    await goToLine(52);
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    const status = page.locator('.statusbar-item', { hasText: 'TorchLean' });
    await status.getByText(/^\s*TorchLean\s*$/).waitFor();

    // A layer's line tells its interval.
    await goToLine(21);
    const line = page.locator('.view-line', { hasText: /torch\.relu\(self\.fc1/ });
    const word = await line.locator('span', { hasText: /fc1/ }).last().boundingBox();
    await page.mouse.move(word.x + word.width - 12, word.y + word.height / 2, { steps: 5 });
    const tooltip = page.locator('.monaco-hover:not(.hidden)', { hasText: /\[-?\d/ });
    await tooltip.waitFor();
    assert.match((await tooltip.innerText()).replace(/\s+/g, ' '), /\[-?\d+\.\d+.*,\s*-?\d+\.\d+.*\]/);
    await page.screenshot({ path: path.join(artefacts, 'hover.png') });
    await page.mouse.move(640, 790);
    await page.keyboard.press('Escape');

    // The view of claims, and the Test explorer beside it.
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').first().fill('>Focus on Claims View');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Claims' }).first().click();
    const views = page.locator('.sidebar');
    await views.locator('.monaco-list-row', { hasText: 'too_tight' }).getByText(/refuted/).first().waitFor();
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').first().fill('>Test: Run All Tests');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: 'Test: Run All Tests' }).first().click();
    await page.getByText(/\b5\/6\b/).first().waitFor(); // all but `too_tight`
    await page.screenshot({ path: path.join(artefacts, 'claims.png') });

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
    await page.screenshot({ path: path.join(artefacts, 'broken.png') });

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
    await status.getByText(/^\s*TorchLean\s*$/).waitFor();
    await goToLine(52);
    await page.locator('.squiggly-error').first().waitFor({ state: 'attached' });
    await page.screenshot({ path: path.join(artefacts, 'back.png') });
    fs.writeFileSync(path.join(artefacts, 'outside-hosts.txt'), [...outside].sort().join('\n'));
  }),
);
