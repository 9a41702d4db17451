// Takes the pictures of the READMEs and of the walkthrough in the real workbench (`make pictures`), in a light and a dark
// theme: the packaged extension, the example file, and the server of this checkout.
import fs from 'node:fs';
import path from 'node:path';
import { person } from './person.mjs';
import { root, vsix, withWorkbench } from './workbench.mjs';

const THEMES = { light: 'Default Light Modern', dark: 'Default Dark Modern' };

/** Where each picture is kept: Markdown on the project's pages, and the extension, which is packaged by itself. */
const FOLDERS = ['docs', 'vscode-extension/images'];

const files = ['examples/pendulum/controller.py', 'examples/pendulum/controller.safetensors'];

for (const [theme, name] of Object.entries(THEMES)) {
  const user = {
    'workbench.colorTheme': name,
    'window.autoDetectColorScheme': false,
    'workbench.statusBar.visible': true,
    'breadcrumbs.enabled': false,
    'editor.fontSize': 13,
    // Whether Lean is set up differs between machines.
    'torchlean.lean.enabled': false,
  };
  await withWorkbench({ name: `pictures-${theme}`, files, vsix, user }, async ({ page, open }) => {
    await open();
    const { openFile, checked, claims, goToLine, hover } = person(page);
    await openFile('controller.py', 'class Controller');
    await checked();
    await page.setViewportSize({ width: 1280, height: 960 });
    const views = await claims();
    await views.locator('.pane-header', { hasText: 'Test Explorer' }).click(); // folds it
    await views.locator('.monaco-list-row', { hasText: 'too_tight' }).getByText(/refuted/).first().waitFor();
    await goToLine(23);
    await page.mouse.move(800, 600);
    for (let times = 0; times < 4; times++) {
      await page.mouse.wheel(0, 200); // so that the claim that is refuted is seen too
      await page.waitForTimeout(200);
    }
    await hover(/self\.fc3\(x\)/, /fc3/);
    const picture = await page.screenshot();
    for (const folder of FOLDERS) fs.writeFileSync(path.join(root, folder, `editor-${theme}.png`), picture);
  });
}
