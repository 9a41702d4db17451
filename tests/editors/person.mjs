// What a person does in the workbench, for tests and for pictures.

/** @param {import('playwright-core').Page} page */
export function person(page) {
  const input = page.locator('.quick-input-widget input').first();

  /** Runs a command by its title. */
  const command = async (title) => {
    await page.keyboard.press('F1');
    await input.fill(`>${title}`);
    await page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  };

  return {
    command,

    /** Opens a file of the workspace and waits for one of its lines. */
    async openFile(name, text) {
      await page.locator('.explorer-folders-view').getByText(name, { exact: true }).first().dblclick();
      await page.locator('.view-line', { hasText: text }).first().waitFor();
    },

    async goToLine(number) {
      await page.keyboard.press('Control+G');
      await input.fill(`:${number}`);
      await page.keyboard.press('Enter');
    },

    /** Waits until the status bar says that everything that is shown is checked. */
    async checked() {
      const status = page.locator('.statusbar-item', { hasText: 'TorchLean' });
      await status.getByText(/^\s*TorchLean\s*$/).waitFor();
    },

    /** The words of the hover over the end of a part of a line. */
    async hover(line, part) {
      const word = await page.locator('.view-line', { hasText: line }).locator('span', { hasText: part }).last().boundingBox();
      await page.mouse.move(word.x + word.width - 12, word.y + word.height / 2, { steps: 5 });
      const tooltip = page.locator('.monaco-hover:not(.hidden)', { hasText: /\[-?\d/ });
      await tooltip.waitFor();
      return (await tooltip.innerText()).replace(/\s+/g, ' ');
    },

    async unhover() {
      await page.mouse.move(640, 790);
      await page.keyboard.press('Escape');
    },

    /** Shows the view of claims in the side bar, and gives it. */
    async claims() {
      await command('Focus on Claims View');
      return page.locator('.sidebar');
    },
  };
}
