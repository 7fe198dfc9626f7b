import { CommandError } from './run.mjs';

const TTY_EVERY_MS = 200;
const PLAIN_EVERY_MS = 15_000;
/** pip names every package it installs on one line. */
const NEWS_WIDTH = 60;

/**
 * Does one named step and shows that it is alive: one line that rewrites itself on a terminal, plain lines elsewhere.
 *
 * When it fails, its last lines and `hint` are printed and the process ends with 1.
 *
 * @param name - what is being done, such as `Installing packages`.
 * @param hint - one sentence: what to do when it fails.
 * @param work - is given `onLine`, which shows a line as the latest news.
 */
export async function step(name, hint, work) {
  const started = Date.now();
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  const { stdout } = process;
  let news = '';
  const show = () => {
    if (!stdout.isTTY) {
      return stdout.write(`  ${name}: ${seconds()} … ${news.slice(0, NEWS_WIDTH)}\n`);
    }
    const line = `${name} … ${seconds()}  ${news}`;
    stdout.write(`\r\u001b[K${line.slice(0, Math.max(20, (stdout.columns || 80) - 1))}`);
  };
  if (stdout.isTTY) {
    show();
  } else {
    stdout.write(`${name} …\n`);
  }
  const timer = setInterval(show, stdout.isTTY ? TTY_EVERY_MS : PLAIN_EVERY_MS);
  const end = (word) => {
    clearInterval(timer);
    stdout.write(`${stdout.isTTY ? '\r\u001b[K' : ''}${name}: ${word} (${seconds()})\n`);
  };
  try {
    const result = await work((line) => {
      news = line;
    });
    end('done');
    return result;
  } catch (error) {
    end('failed');
    if (error instanceof CommandError && error.tail.length > 0) {
      console.error(`\n${error.tail.join('\n')}`);
    }
    console.error(`\n${error.message}\n${hint}`);
    process.exit(1);
  }
}

/** Ends the process with one sentence for the person who started it. */
export function giveUp(sentence) {
  console.error(sentence);
  process.exit(1);
}
