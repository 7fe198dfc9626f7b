/** One host that calls may go to. */
export interface AllowedHost {
  /** In lower case. */
  readonly name: string;
  /** What lies under the name is meant, not the name itself. */
  readonly subdomains: boolean;
  /** Undefined for the port of the scheme. */
  readonly port: string | undefined;
}

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const NAME = `${LABEL}(?:\\.${LABEL})*`;
const HOST = new RegExp(`^(\\*\\.)?(${NAME})(?::([0-9]{1,5}))?$`);

/** Reads `api.example.com`, `*.example.com` or `models.internal:8000`; undefined for anything else. */
export function readAllowedHost(text: string): AllowedHost | undefined {
  const [, wildcard, name, port] = HOST.exec(text.toLowerCase()) ?? [];
  return name === undefined ? undefined : { name, subdomains: wildcard !== undefined, port };
}

/** An address with nothing in it that two readers could take for the host. */
const ADDRESS = new RegExp(`^(https?)://(${NAME})(?::([0-9]{1,5}))?(?:/[A-Za-z0-9._~/-]*)?$`);
const PORT_OF: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Whether an http or https address is plainly one of an allowed host. */
export function liesOnAllowedHost(address: string, allowed: readonly AllowedHost[]): boolean {
  const [, scheme = '', host = '', port = PORT_OF[scheme]] =
    ADDRESS.exec(address.replace(/^[^/]*\/\/[^/]*/, (start) => start.toLowerCase())) ?? [];
  return allowed.some(
    ({ name, subdomains, port: allowedPort = PORT_OF[scheme] }) =>
      port === allowedPort && (subdomains ? host.endsWith(`.${name}`) : host === name),
  );
}
