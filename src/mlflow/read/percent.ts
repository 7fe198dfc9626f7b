/** Percent-encoding (RFC 3986, section 2.1), strictly and once at a time. */

const ENCODED_RUN = /(?:%[0-9A-Fa-f]{2})+/g;

/** pchars (RFC 3986, section 3.3) that encodeURIComponent encodes. */
const OVER_ENCODED = /%(?:24|26|2B|2C|3A|3B|3D|40)/g;

/**
 * Decodes each `%XX` once; a `%` that starts none stands for itself, as in Python's urllib.
 *
 * @returns undefined if the bytes are not UTF-8.
 */
export function decodeOnce(text: string): string | undefined {
  if (!text.includes('%')) {
    return text;
  }
  try {
    return text.replace(ENCODED_RUN, decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Encodes what may not stand in a path segment, upper-case, and nothing else. */
export function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(OVER_ENCODED, decodeURIComponent);
}
