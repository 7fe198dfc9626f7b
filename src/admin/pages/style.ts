import { createHash } from 'node:crypto';
import type { Reply } from '../../reply.ts';

/** How every page for people looks: at 320 px as on a desk, in dark surroundings and with large letters. */
const STYLE = `:root { color-scheme: light dark; --line: #6f7782; --accent: #0b5cad; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --accent: #7db8f5; --on-accent: #10151b } }
* { box-sizing: border-box }
body { max-width: 25rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; overflow-wrap: break-word }
h1 { font-size: 1.3rem }
label { display: block }
input { width: 100%; margin: 0 0 1rem; padding: 0.6rem; border: 1px solid var(--line); border-radius: 0.25rem; font: inherit }
button, input[type='submit'], a.button { display: block; width: 100%; margin: 0.5rem 0; padding: 0.6rem; border: 1px solid var(--accent); border-radius: 0.25rem; background: var(--accent); color: var(--on-accent); font: inherit; text-align: center; text-decoration: none; cursor: pointer }
button.plain, a.button { background: none; color: inherit }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
[role='alert'] { padding: 0.6rem; border-left: 0.3rem solid #b00020 }
summary { margin: 1.5rem 0 1rem; cursor: pointer }
dt { font-weight: bold }
dd { margin: 0 0 0.5rem }
code.whole { user-select: all; word-break: break-all }
ul.providers { margin: 1.5rem 0 0; padding: 0; list-style: none }
`;

const VERSION = createHash('sha256').update(STYLE).digest('hex').slice(0, 8);

/** The address of the style sheet: another one with each version, as browsers keep it. */
export const styleAddress = (prefix: string): string => `${prefix}/auth/style.css?v=${VERSION}`;

export const styleHandlers = () => ({
  style: (): Reply => ({
    headers: {
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    },
    body: STYLE,
  }),
});
