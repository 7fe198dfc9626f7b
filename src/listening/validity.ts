import { X509Certificate } from 'node:crypto';

const DAY_MS = 86_400_000;
/** The person who renews certificates of 90 days does so 30 days before the end. */
const SOON_MS = 21 * DAY_MS;
/** Of certificates that live for days or hours. */
const SOON_SHARE = 1 / 4;

/** Until when certificates hold. */
export interface Validity {
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
  /** What is wrong with that, in a sentence; undefined if nothing is. */
  readonly problem: string | undefined;
}

/**
 * Says until when all certificates of a PEM text hold.
 *
 * @param now - milliseconds since the epoch.
 * @throws Error if there is none.
 */
export function validityOf(pem: string, now: number): Validity {
  const certificates = certificatesIn(pem);
  const [first] = certificates.toSorted((a, b) => a.validToDate.getTime() - b.validToDate.getTime());
  if (first === undefined) {
    throw new Error('there is no certificate');
  }
  const endsAt = first.validToDate.getTime();
  const beginsAt = Math.max(...certificates.map(({ validFromDate }) => validFromDate.getTime()));
  return { endsAt, problem: problemAt(now, beginsAt, endsAt) };
}

/** The certificates of a PEM text, in its order. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function problemAt(now: number, beginsAt: number, endsAt: number): string | undefined {
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  if (now >= endsAt) {
    return `the certificate ended on ${day(endsAt)}`;
  }
  if (now < beginsAt) {
    return `the certificate does not hold before ${day(beginsAt)}`;
  }
  if (endsAt - now < Math.min(SOON_MS, (endsAt - beginsAt) * SOON_SHARE)) {
    return `the certificate ends soon, on ${new Date(endsAt).toISOString()}`;
  }
  return undefined;
}
