/**
 * Where the page is on which one signs in.
 *
 * @param prefix - before every path of this gateway; empty for none.
 * @param url - the page to come back to, without the prefix.
 */
export function signInAddress(prefix: string, url: string): string {
  return `${prefix}/auth/sign-in?next=${encodeURIComponent(prefix + url)}`;
}

/** Where the page is on which one changes one's password; see {@link signInAddress}. */
export function passwordAddress(prefix: string, url: string): string {
  return `${prefix}/auth/password?next=${encodeURIComponent(prefix + url)}`;
}
