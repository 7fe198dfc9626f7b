import type { WriteStream } from 'node:tty';
import { type DestinationStream, type Logger, pino } from 'pino';
import { logDestination } from './log-destination.ts';

/** A log of JSON lines, with the moment in ISO 8601 and the level as a word. */
export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    { level, timestamp: createTimestamp(Date.now), formatters: { level: (label) => ({ level: label }) } },
    destination,
  );
}

/**
 * Tells the moment in ISO 8601 as pino wants it. To write one out costs more than the rest of a line does: it is done once
 * for all lines of a millisecond.
 */
function createTimestamp(clock: () => number): () => string {
  let written = Number.NaN;
  let text = '';
  return () => {
    const now = clock();
    if (now !== written) {
      written = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
}

/** The log on standard output: JSON lines for a program that reads them, a line to be read on a terminal. */
export async function openLog(level: string, output: Pick<WriteStream, 'isTTY' | 'write'>): Promise<Logger> {
  return createLog(
    level,
    output.isTTY ? await readableLines((line) => output.write(line)) : logDestination({ sync: false }),
  );
}

/** Escapes of control characters in JSON, and those that JSON leaves as they are. */
const CONTROL = /\\u00(?:[01][0-9a-f]|7f)|[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gi;

/** Lines for people. What a client sent cannot move the cursor, nor hide a line. */
async function readableLines(write: (line: string) => void): Promise<DestinationStream> {
  // Loaded here alone: a gateway under a service manager never needs it.
  const { prettyFactory } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: true,
    singleLine: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss',
  });
  return { write: (line) => write(pretty(line.replace(CONTROL, '\\ufffd'))) };
}
