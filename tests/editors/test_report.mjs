// The page of `torchlean report` in a real browser: the bounds panel without an editor, without a server, without a network.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { artefacts, launch, root, torchlean } from './workbench.mjs';

const example = path.join(root, 'examples/pendulum/controller.py');

test('the page works by keyboard and by mouse, in both themes, and loads nothing', { timeout: 300_000 }, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'torchlean-report-'));
  const file = path.join(folder, 'page.html');
  let browser;
  try {
    try {
      execFileSync(torchlean, ['report', example, '-o', file], { stdio: 'pipe' });
    } catch (error) {
      assert.equal(error.status, 1, String(error.stderr)); // a claim of the example is false
    }
    fs.mkdirSync(artefacts, { recursive: true });
    browser = await launch();
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme });
      const [said, asked] = [[], []];
      page.on('console', (message) => said.push(message.text()));
      page.on('pageerror', (error) => said.push(String(error)));
      page.on('request', (request) => asked.push(request.url()));
      await page.goto(pathToFileURL(file).href);
      await walk(page, folder);
      await page.locator('#torchlean-panel').scrollIntoViewIfNeeded();
      await page.screenshot({ path: path.join(artefacts, `report-${colorScheme}.png`), fullPage: true });
      assert.deepEqual(said, []);
      assert.deepEqual(asked.filter((url) => !/^(file|blob):/.test(url)), []);
      await page.close();
    }
  } finally {
    await browser?.close();
    fs.rmSync(folder, { recursive: true });
  }
});

/** @param {import('playwright-core').Page} page */
async function walk(page, folder) {
  const selected = page.locator('.node[aria-selected=true]');
  const heading = page.locator('.details h2');
  assert.equal(await page.locator('.banner').isVisible(), false);

  // By keyboard alone: into the graph, down along an edge, to the last node, and on to the line.
  await page.getByLabel('Save the graph as an SVG file').focus();
  await page.keyboard.press('Tab'); // the frame that scrolls, where the browser lets one stop at it
  if ((await page.locator('.node:focus').count()) === 0) await page.keyboard.press('Tab');
  assert.equal(await page.locator('.node:focus').getAttribute('tabindex'), '0');
  await page.keyboard.press('ArrowDown');
  assert.match(await heading.innerText(), /^linear · self\.fc1/);
  const ring = page.locator('.node:focus .ring');
  assert.notEqual(await ring.evaluate((element) => getComputedStyle(element).stroke), 'none');
  assert.match(await page.locator('#torchlean-source .shown').innerText(), /torch\.relu\(self\.fc1/);
  assert.match(await selected.getAttribute('aria-label'), /interval \[-?\d.*width \d.*float32 error \d.*line \d+$/);
  await page.keyboard.press('End');
  assert.match(await selected.getAttribute('aria-label'), /always true/);
  await page.keyboard.press('Enter');
  assert.match(await page.locator('#torchlean-source li:focus').innerText(), /<= 2\.5/);

  // The other way round: a line selects its node.
  await page.locator('#torchlean-source li', { hasText: 'return self.fc3(x)' }).click();
  assert.match(await heading.innerText(), /^linear · self\.fc3/);
  assert.equal(await page.locator('.details .chart').count(), 1); // one element, whose interval is one width

  // Intervals alone are wider; weights are there when asked for.
  const width = async () => Number(await page.locator('dt:text-is("width") + dd code').innerText());
  const tight = await width();
  await page.getByLabel('method').selectOption('ibp');
  assert.ok((await width()) > tight);
  const few = await page.locator('.node').count();
  await page.getByLabel('weights').check();
  assert.ok((await page.locator('.node').count()) > few);
  await page.getByLabel('weights').uncheck();
  await page.getByLabel('Bounds of').selectOption('module:Controller');
  await page.getByText('for any input').waitFor();
  await page.getByLabel('Bounds of').selectOption('claim:stays_in_actuator_range');

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Save as SVG').click()]);
  const picture = path.join(folder, download.suggestedFilename());
  await download.saveAs(picture);
  const text = fs.readFileSync(picture, 'utf8');
  assert.match(text, /^<\?xml[^>]+>\s*<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(text, /<title>stays_in_actuator_range \(claim\): for all x/);
  assert.match(text, /\[-2\.\d+, 2\.\d+\]/);
  assert.doesNotMatch(text, /var\(|class=|tabindex/);
  fs.copyFileSync(picture, path.join(artefacts, 'graph.svg'));
}
