/**
 * Runs in MLflow's own page, which the gateway adds one line to: shows a way to the gateway's pages, and on the page of an
 * experiment or registered model the way to share it. It stands beside MLflow's page and looks at its address alone.
 */
import { T } from './texts.ts';

const STYLE = `
nav { position: fixed; right: 1rem; bottom: 1rem; z-index: 900; display: flex; gap: 0.25rem; font: 13px/1.5 system-ui, sans-serif }
a { padding: 0.2rem 0.7rem; border: 1px solid #8b96a1; border-radius: 1rem; background: #fff; color: #0a5fa8; text-decoration: none }
a:hover { text-decoration: underline }
a:focus-visible { outline: 3px solid #0a5fa8; outline-offset: 2px }
@media print { nav { display: none } }
`;
/** MLflow moves within its page without telling anybody. */
const LOOK_MS = 500;

/** The address of the gateway's pages: this script lies beside them. */
const HERE = import.meta.url.replace(/[^/]*$/, '');

/** Where what the page shows is shared; undefined where it shows neither an experiment nor a model. */
function sharedAt({ hash, search }: Pick<Location, 'hash' | 'search'>): string | undefined {
  const [, kind, id] = /^#\/(experiments|models)\/([^/?]+)/.exec(hash) ?? [];
  if (kind === undefined || id === undefined || (kind === 'experiments' && !/^\d+$/.test(id))) {
    return undefined;
  }
  const page = `${HERE}share/${kind === 'experiments' ? 'experiment' : 'registered-model'}/${id}`;
  // Where MLflow has workspaces, either part of its address names the one that is shown.
  const [, inHash = ''] = hash.split('?');
  const workspace =
    new URLSearchParams(inHash).get('workspace') ?? new URLSearchParams(search).get('workspace');
  return workspace === null ? page : `${page}?workspace=${encodeURIComponent(workspace)}`;
}

function link(text: string, href: string): HTMLAnchorElement {
  const made = document.createElement('a');
  made.textContent = text;
  made.href = href;
  return made;
}

function show(): void {
  const host = document.createElement('div');
  const root = host.attachShadow({ mode: 'open' });
  const style = new CSSStyleSheet();
  style.replaceSync(STYLE);
  root.adoptedStyleSheets = [style];
  const nav = document.createElement('nav');
  nav.setAttribute('aria-label', T.product);
  root.append(nav);
  let shown: string | undefined;
  const look = () => {
    const { href } = window.location;
    if (href !== shown) {
      shown = href;
      const share = sharedAt(window.location);
      nav.replaceChildren(
        ...(share === undefined ? [] : [link(T.inMlflow.share, share)]),
        link(T.inMlflow.account, `${HERE}account`),
      );
    }
  };
  look();
  window.setInterval(look, LOOK_MS);
  document.body.append(host);
}

show();
