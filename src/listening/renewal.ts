import type { FastifyBaseLogger } from 'fastify';
import { type KeyPair, type KeyPairFiles, readKeyPair } from './key-pair.ts';
import { type Validity, validityOf } from './validity.ts';

/** A pair that follows its files. */
export interface Renewal {
  /** Reads the files anew now, as after SIGHUP. */
  check(): void;
  /** Until when the certificate in use holds. */
  validity(): Validity;
  stop(): void;
}

export interface RenewalOptions {
  readonly files: KeyPairFiles;
  /** In use, and read from these files. */
  readonly pair: KeyPair;
  /** Takes another one. */
  readonly renew: (pair: KeyPair) => void;
  readonly log: FastifyBaseLogger;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Half of what a change may take. By reading them: links are turned and volumes mounted without a word to a watcher. */
const POLL_MS = 5_000;
const WARN_EVERY_MS = 24 * 3_600_000;

/** Follows the files of a pair: a good one is taken, a bad one is logged once and the old one stays in use. */
export function followKeyPair({ files, pair, renew, log, clock }: RenewalOptions): Renewal {
  let current = pair;
  let complaint: string | undefined;
  let warnedAt: number | undefined;

  function check(): void {
    try {
      const next = readKeyPair(files);
      complaint = undefined;
      if (next.cert !== current.cert || next.key !== current.key) {
        renew(next);
        current = next;
        warnedAt = undefined;
        log.info({ file: files.certFile, ends: endOf(validity()) }, 'another certificate is in use');
      }
    } catch (error) {
      const { message } = error instanceof Error ? error : { message: String(error) };
      if (message !== complaint) {
        log.error({ err: error }, 'the new certificate cannot be used: the one before stays in use');
      }
      complaint = message;
    }
    warn();
  }

  function warn(): void {
    const { problem } = validity();
    const now = clock();
    if (problem !== undefined && (warnedAt === undefined || now - warnedAt > WARN_EVERY_MS)) {
      log.warn({ file: files.certFile }, problem);
      warnedAt = now;
    }
  }

  const validity = () => validityOf(current.cert, clock());
  warn();
  const timer = setInterval(check, POLL_MS);
  timer.unref();
  return { check, validity, stop: () => clearInterval(timer) };
}

const endOf = ({ endsAt }: Validity) => new Date(endsAt).toISOString();
