// The bounds panel in the real workbench, as a person works with it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { person } from './person.mjs';
import { artefacts, descendants, until, vsix, withWorkbench } from './workbench.mjs';

const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

test('bounds follow the domain in the panel, and the panel follows the text', { timeout: 600_000 }, () =>
  withWorkbench({ name: 'panel', files, vsix }, async ({ page, folder, pid, outside, open }) => {
    await page.setViewportSize({ width: 1500, height: 900 });
    await open();
    const { command, openFile, checked, goToLine, claims } = person(page);
    await openFile('controller.py', 'class Controller');
    await checked();
    await command('TorchLean: Show the Bounds Panel');
    const panel = page.frameLocator('iframe.webview.ready').frameLocator('#active-frame');
    const node = (name) => panel.locator('.node', { hasText: name });
    const interval = (name) => node(name).locator('.line').first().textContent();
    await node('self.fc3(x)').waitFor();
    const before = await interval('self.fc3(x)');
    assert.match(before, /^\[-\d\.\d+, \d\.\d+\]$/);

    // From the text to the graph, and back.
    await goToLine(22);
    await panel.locator('.node[aria-selected=true]', { hasText: 'relu' }).waitFor();
    await goToLine(58);
    await node('self.fc1(x)').click();
    await panel.locator('.details h2', { hasText: 'self.fc1' }).waitFor();
    await page.locator('.view-line', { hasText: 'torch.relu(self.fc1(x))' }).waitFor();
    await page.screenshot({ path: path.join(artefacts, 'panel.png') });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await panel.locator('.details h2', { hasText: 'self.fc2' }).waitFor();

    // A smaller domain, by slider and by number: tighter bounds, a mark that says so, and the same verdicts.
    const text = fs.readFileSync(path.join(folder, 'controller.py'), 'utf8');
    const lower = panel.getByLabel('lower end of x[0], as a number');
    await lower.fill('0.5');
    await panel.getByText('Domain changed in the panel.').waitFor();
    await until('other bounds', async () => (await interval('self.fc3(x)')) !== before);
    const half = await interval('self.fc3(x)');
    const slider = panel.getByLabel('upper end of x[1]', { exact: true });
    await slider.focus();
    for (let times = 0; times < 40; times++) await page.keyboard.press('ArrowLeft');
    await until('bounds of the last step', async () => /0\.2\]\)/.test(await panel.locator('.domain').innerText()));
    assert.notEqual(await interval('self.fc3(x)'), half);
    await page.screenshot({ path: path.join(artefacts, 'panel-domain.png') });
    const views = await claims();
    await views.locator('.monaco-list-row', { hasText: 'too_tight' }).getByText(/refuted/).first().waitFor();
    assert.equal(fs.readFileSync(path.join(folder, 'controller.py'), 'utf8'), text);

    // What is no number is not sent.
    await lower.fill('many');
    assert.equal(await lower.getAttribute('aria-invalid'), 'true');

    await panel.getByText('Back to the file’s domain').click();
    await until('the bounds of before', async () => (await interval('self.fc3(x)')) === before);
    assert.equal(await panel.locator('.banner').isVisible(), false);

    // A server that was started again knows nothing of what was tried out, and the controls do not claim it.
    await lower.fill('0.25');
    await panel.getByText('Domain changed in the panel.').waitFor();
    const [killed] = descendants(pid, 'torchlean lsp');
    process.kill(killed, 'SIGKILL');
    await until('the domain of the file', async () => (await panel.locator('.banner').isVisible()) === false);
    await until('its numbers', async () => (await lower.inputValue()) === '-1');
    await until('the bounds of before', async () => (await interval('self.fc3(x)')) === before);

    // Intervals alone.
    await panel.getByLabel('method').selectOption('ibp');
    await until('wider bounds', async () => (await interval('self.fc3(x)')) !== before);

    await panel.getByText('Save as SVG').click();
    await page.locator('.quick-input-widget input').first().waitFor();
    await page.keyboard.press('Enter');
    const saved = path.join(folder, 'stays_in_actuator_range.svg');
    await until('the picture', () => fs.existsSync(saved));
    assert.match(fs.readFileSync(saved, 'utf8'), /<svg [^>]*viewBox="0 0 [\d.]+ [\d.]+"[\s\S]*self\.fc3/);
    // The workbench's own gallery; and the names of a webview's resources, which its service worker answers from the disk.
    const own = /^open-vsx\.org$|\.vscode-resource\.vscode-cdn\.net$/;
    assert.deepEqual([...outside].filter((host) => !own.test(host)), []);
  }),
);
