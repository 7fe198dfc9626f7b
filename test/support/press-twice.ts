import type { Locator } from 'playwright-core';

/** Presses a button twice before the page can show that it has been pressed once. */
export const pressTwice = (button: Locator): Promise<void> =>
  button.evaluate((element) => {
    const pressed = element as unknown as { click(): void };
    pressed.click();
    pressed.click();
  });
