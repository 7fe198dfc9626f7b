import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto';

/** Where a page of a search begins. */
export interface PagePlace {
  /** Among all rows, hidden ones included, when the token was made. */
  readonly offset: number;
  /** How many rows the caller has been shown by then. */
  readonly shown: number;
  /** Whether a row, by what tells it from others, is the one to begin with; undefined if that was not known. */
  readonly beginsWith: ((key: string) => boolean) | undefined;
}

/** Where the next page begins, for the token that is made of it. */
export interface NextPage extends Pick<PagePlace, 'offset' | 'shown'> {
  /** What tells the row to begin with from others, if it is known. */
  readonly key: string | undefined;
}

/**
 * Page tokens that tell nothing and that only the gateway can make.
 *
 * MLflow's own tokens are a readable offset among all rows, hidden ones included. A caller who could read or choose it
 * would learn where a row of their own lies among rows that are hidden from them, and by ordering and filtering
 * around it every name and tag there is, letter by letter.
 */
export interface PageTokens {
  /**
   * The token of a place.
   *
   * @param search - who searches for what: the token is good for nothing else. One made by a harmless search would
   *   otherwise stand for the same offset in another one.
   */
  seal(next: NextPage, search: string): string;
  /** The place in a token of this search; undefined if it is none. */
  open(token: string, search: string): PagePlace | undefined;
}

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Of a fixed length: the number of its digits tells something too. */
const NUMBER_BYTES = 8;
const DIGEST_BYTES = 16;
const PLACE_BYTES = 2 * NUMBER_BYTES + DIGEST_BYTES;
const UNKNOWN = Buffer.alloc(DIGEST_BYTES);

/**
 * Creates the tokens of one store.
 *
 * @param key - 32 bytes that all gateways on the store share, so that each can go on where another ended.
 */
export function createPageTokens(key: Uint8Array): PageTokens {
  return {
    seal(next, search) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(Buffer.from(search));
      return Buffer.concat([nonce, cipher.update(write(next)), cipher.final(), cipher.getAuthTag()]).toString(
        'base64url',
      );
    },
    open(token, search) {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length !== NONCE_BYTES + PLACE_BYTES + TAG_BYTES) {
        return undefined;
      }
      const sealed = bytes.subarray(NONCE_BYTES, NONCE_BYTES + PLACE_BYTES);
      const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(search))
        .setAuthTag(bytes.subarray(NONCE_BYTES + PLACE_BYTES));
      try {
        return read(Buffer.concat([decipher.update(sealed), decipher.final()]));
      } catch {
        return undefined;
      }
    },
  };
}

function write({ offset, shown, key }: NextPage): Buffer {
  const place = Buffer.alloc(PLACE_BYTES);
  place.writeBigUInt64BE(BigInt(offset));
  place.writeBigUInt64BE(BigInt(shown), NUMBER_BYTES);
  if (key !== undefined) {
    digestOf(key).copy(place, 2 * NUMBER_BYTES);
  }
  return place;
}

function read(place: Buffer): PagePlace {
  const digest = place.subarray(2 * NUMBER_BYTES);
  return {
    offset: Number(place.readBigUInt64BE()),
    shown: Number(place.readBigUInt64BE(NUMBER_BYTES)),
    beginsWith: digest.equals(UNKNOWN) ? undefined : (key) => digestOf(key).equals(digest),
  };
}

const digestOf = (key: string): Buffer => hash('sha256', key, 'buffer').subarray(0, DIGEST_BYTES);
