import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** What the secret of every token begins with, for people and for scanners of secrets. */
export const TOKEN_PREFIX = 'mlag_';
const RANDOM_BYTES = 32;
/** Digits of 256 bits, and of the 32 bits of the checksum, in base 62. */
const RANDOM_DIGITS = 43;
const CHECKSUM_DIGITS = 6;
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

const FORM = new RegExp(`^${TOKEN_PREFIX}[0-9A-Za-z]{${RANDOM_DIGITS + CHECKSUM_DIGITS}}$`);
const ANYWHERE = new RegExp(`${TOKEN_PREFIX}[0-9A-Za-z]{${RANDOM_DIGITS}}`);

/** Characters of a secret that are shown in lists, so that its owner knows it again. */
const SHOWN = TOKEN_PREFIX.length + 4;

/** What the secret of a link begins with by which somebody chooses a password; it signs in nobody by itself. */
export const INVITATION_PREFIX = 'mlai_';

/** The secret of a new token: `mlag_`, 256 random bits and a checksum over both, in base 62. Of a link, `mlai_`. */
export function makeSecret(
  random: (bytes: number) => Buffer,
  prefix: typeof TOKEN_PREFIX | typeof INVITATION_PREFIX = TOKEN_PREFIX,
): string {
  const value = BigInt(`0x${random(RANDOM_BYTES).toString('hex')}`);
  const unchecked = prefix + inBase62(value, RANDOM_DIGITS);
  return unchecked + checksumOf(unchecked);
}

/** What of a secret is kept: its hash. A secret of 256 random bits cannot be guessed from it, however fast it is to make. */
export const hashOf = (secret: string): string => hash('sha256', secret, 'base64url');

/** How a secret begins. */
export const prefixOf = (secret: string): string => secret.slice(0, SHOWN);

/** Whether a text is as the secrets of tokens are: `mistyped` for one that cannot be, as no look-up is needed to tell. */
export function formOf(text: string): 'token' | 'mistyped' | 'other' {
  if (FORM.test(text)) {
    const end = text.length - CHECKSUM_DIGITS;
    return checksumOf(text.slice(0, end)) === text.slice(end) ? 'token' : 'mistyped';
  }
  return ANYWHERE.test(text) ? 'mistyped' : 'other';
}

/** Whether the secret of a token stands anywhere in a text. */
export const holdsToken = (text: string): boolean => ANYWHERE.test(text);

const checksumOf = (text: string): string => inBase62(BigInt(crc32(text)), CHECKSUM_DIGITS);

function inBase62(value: bigint, length: number): string {
  const base = BigInt(DIGITS.length);
  let digits = '';
  for (let rest = value; digits.length < length; rest /= base) {
    digits = DIGITS.charAt(Number(rest % base)) + digits;
  }
  return digits;
}
