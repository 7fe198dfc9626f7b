import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { refused, unusable } from './failure.ts';
import type { Stdin } from './io.ts';
import { printable } from './printable.ts';

/** Where passwords come from when they are not on the command line. */
export interface Secrets {
  /**
   * The next secret: asked for without echo on a terminal, the next line of what is piped in otherwise.
   *
   * @param question - shown on a terminal, `Password`.
   * @param options.twice - on a terminal, ask again and compare, because nobody sees a slip.
   * @throws CommandFailure: 2 when nothing was piped in or the two differ, 1 when it was cancelled.
   */
  read(question: string, options?: { readonly twice?: boolean }): Promise<string>;
  /** Every secret that was read, so that no message repeats one. */
  readonly seen: readonly string[];
  close(): void;
}

/** Reads secrets from `stdin`; questions go to `stderr`, so that standard output holds results alone. */
export function openSecrets(stdin: Stdin, stderr: Writable): Secrets {
  let lines: Lines | undefined;
  const seen: string[] = [];
  const next = async (question: string) => {
    lines ??= stdin.isTTY ? terminalLines(stdin) : pipedLines(stdin);
    if (stdin.isTTY) {
      stderr.write(`${printable(question)}: `);
    }
    try {
      return await lines.next();
    } finally {
      if (stdin.isTTY) {
        stderr.write('\n');
      }
    }
  };
  return {
    seen,
    async read(question, { twice = false } = {}) {
      const secret = await next(question);
      seen.push(secret);
      if (twice && stdin.isTTY && (await next(`${question} again`)) !== secret) {
        throw unusable('The two are not the same; nothing was changed. Try again.');
      }
      return secret;
    },
    close() {
      lines?.close();
    },
  };
}

interface Lines {
  next(): Promise<string>;
  close(): void;
}

/** One reader for all questions: two in a row would lose what was typed or pasted ahead. */
function terminalLines(stdin: Stdin): Lines {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: stdin, output: nowhere, terminal: true, historySize: 0 });
  const typed: string[] = [];
  let waiting: { resolve: (line: string) => void; reject: (error: Error) => void } | undefined;
  let closed = false;
  reader.on('line', (line) => {
    if (waiting === undefined) {
      typed.push(line);
      return;
    }
    waiting.resolve(line);
    waiting = undefined;
  });
  reader.on('SIGINT', () => reader.close());
  reader.on('close', () => {
    closed = true;
    waiting?.reject(refused('Cancelled; nothing was changed.'));
  });
  return {
    next: () =>
      new Promise((resolve, reject) => {
        const line = typed.shift();
        if (line !== undefined) {
          resolve(line);
        } else if (closed) {
          reject(refused('Cancelled; nothing was changed.'));
        } else {
          waiting = { resolve, reject };
        }
      }),
    close: () => reader.close(),
  };
}

function pipedLines(stdin: Stdin): Lines {
  let rest: string[] | undefined;
  return {
    async next() {
      rest ??= splitLines(await textOf(stdin));
      const line = rest.shift();
      if (line === undefined || line === '') {
        throw unusable('No password: type it when asked on a terminal, or pipe it in, one to a line.');
      }
      return line;
    },
    close() {},
  };
}

async function textOf(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks).toString('utf8');
}

function splitLines(text: string): string[] {
  return text.split(/\r?\n/);
}
