import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What of a page is against WCAG 2.2 (A and AA) or axe's best practices, one line each. */
export async function violations(page: Page): Promise<string[]> {
  // Through the debugger, which the page's policy does not bind.
  await page.addInitScript({ path: AXE });
  const isThere = await page.evaluate('typeof axe');
  if (isThere === 'undefined') {
    await page.reload();
    await page.getByRole('heading', { level: 1 }).waitFor();
  }
  // A colour on its way to another is neither.
  await page.evaluate(
    'Promise.allSettled(document.getAnimations().filter((each) => each instanceof CSSTransition).map((each) => each.finished))',
  );
  return page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ' ' + html)))`,
  );
}
