/** Stands for this gateway where an address is read: nobody has it (RFC 6761, section 6.4). */
const HERE = 'http://gateway.invalid';

/** Where one leaves from: to come back there would be to go round in circles. */
const AGAIN = /^\/auth\/sign-(?:in|out)(?:[/?]|$)/;

/**
 * The page to go on to after a sign-in: a path of this gateway, and nothing else, however it is spelled. Read as browsers
 * read a Location (WHATWG URL standard): `//host`, `/\host` and `/<tab>/host` are other hosts, and dots lead out of the prefix.
 *
 * @param next - as it was sent.
 * @param prefix - before every path of this gateway; empty for none.
 * @returns the first page of the gateway for what is none of its paths.
 */
export function checkedNext(next: unknown, prefix: string): string {
  const home = `${prefix}/`;
  if (typeof next !== 'string' || !next.startsWith('/')) {
    return home;
  }
  const read = URL.parse(next, HERE);
  if (read === null || read.origin !== HERE || read.username !== '' || read.password !== '') {
    return home;
  }
  const path = read.pathname + read.search;
  // As a path that begins with two slashes would be read once more.
  const isOurs = path.startsWith(home) && !/^\/[/\\]/.test(path) && URL.parse(path, HERE)?.origin === HERE;
  return isOurs && !AGAIN.test(path.slice(prefix.length)) ? path : home;
}
