/** The upstream as its answers name it, and where the gateway serves it. */
export interface Home {
  /** Such as `http://127.0.0.1:5001`. */
  readonly origin: string;
  /** The Host that it is sent, of which it makes absolute addresses. */
  readonly host: string;
  /** Below which the gateway serves everything; empty for none. */
  readonly staticPrefix: string;
}

type Headers = Record<string, string | string[]>;

/** `5`, or `5; url=/path` with quotes or without (HTML, "shared declarative refresh steps"). */
const REFRESH = /^(\s*\d+\s*)(?:[;,]\s*url\s*=\s*(['"]?)([^'"]*)\2\s*)?$/i;

/**
 * Makes the addresses in the headers of a reply those of the gateway. One that points elsewhere is dropped: MLflow has
 * no such redirect, and a client would follow it with its credentials, or to a server that it cannot reach.
 *
 * @param headers - changed in place; names in lower case.
 * @param path - what was asked for, which relative addresses are relative to (RFC 9110, section 10.2.2).
 */
export function rewriteAddresses(headers: Headers, home: Home, path: string): void {
  rewrite(headers, 'location', (value) => addressHere(value, home, path));
  rewrite(headers, 'content-location', (value) => addressHere(value, home, path));
  rewrite(headers, 'refresh', (value) => {
    const [, seconds, , address] = REFRESH.exec(value) ?? [];
    if (seconds === undefined || address === undefined) {
      return seconds;
    }
    const here = addressHere(address, home, path);
    return here && `${seconds.trim()}; url=${here}`;
  });
}

function rewrite(headers: Headers, name: string, here: (value: string) => string | undefined): void {
  const value = headers[name];
  if (value === undefined) {
    return;
  }
  // Of several, two clients may follow two.
  const written = typeof value === 'string' ? here(value) : undefined;
  if (written === undefined) {
    delete headers[name];
  } else {
    headers[name] = written;
  }
}

/**
 * The path under which the gateway serves an address of the upstream.
 *
 * @returns with query and fragment; undefined for an address of another server.
 */
export function addressHere(address: string, { origin, host, staticPrefix }: Home, path: string) {
  const base = `${origin}${path}`;
  if (!URL.canParse(address, base)) {
    return undefined;
  }
  const url = new URL(address, base);
  const isOurs = url.host === new URL(origin).host || url.host === host.toLowerCase();
  if (!/^https?:$/.test(url.protocol) || !isOurs) {
    return undefined;
  }
  // Two slashes in front would name another server (RFC 3986, section 4.2).
  const served = url.pathname.replace(/^\/+/, '/');
  const isBelow = served === staticPrefix || served.startsWith(`${staticPrefix}/`);
  return `${isBelow ? '' : staticPrefix}${served}${url.search}${url.hash}`;
}
