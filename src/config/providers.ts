import { z } from 'zod';
import { Secret } from './secret.ts';
import { file, list, oneOf } from './value-types.ts';

/** Stands for the sections of providers: `[oidc.NAME]`. */
export const PROVIDER_SECTION = 'oidc.';

/** What a provider may be called: it stands in paths, variables and the audit log. */
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** Addresses that only this machine reaches: what is said to them needs no TLS. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Issuers whose tokens anybody in the world can have, for whatever audience. */
const EVERYBODYS = [
  'https://token.actions.githubusercontent.com',
  'https://gitlab.com',
  'https://accounts.google.com',
];

/** Issuers of Microsoft's that are no tenant: whoever has a tenant says there what its users and groups are called. */
const NO_TENANT = /^https:\/\/login\.microsoftonline\.com\/(?:common|organizations|consumers)(?:\/|$)/;

/** Which service account a token stands for: the one of the first mapping whose claims it has. */
export interface ServiceMapping {
  readonly account: string;
  /** Every one of these claims has exactly this value. */
  readonly claims: readonly { readonly claim: string; readonly value: string }[];
}

/** Every setting of a provider, as those of the gateway are written (src/config.ts). */
export const providerSettings = z.object({
  issuer: z
    .string({ error: 'write the address of the issuer, such as https://sso.example.com/realms/main' })
    .refine(
      isIssuer,
      'write the address of the issuer, such as https://sso.example.com/realms/main: https, or http on this machine alone; without credentials, query or fragment',
    )
    .describe(
      'Address of the provider, as it stands in its discovery document and in its tokens. What it says of itself is read from there: https, or http on this machine alone.',
    ),
  client_id: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'write the id under which the provider knows this gateway')
    .optional()
    .describe(
      'Id under which the provider knows this gateway, for sign-in in a browser. Nobody signs in so unless it is written.',
    ),
  client_secret: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe(
      'Secret of client_id. Without it and without client_key_file the client is a public one, with PKCE alone.',
    ),
  client_key_file: file()
    .optional()
    .describe(
      'Private key in PEM (PKCS#8, RSA or EC) by which the gateway proves to be client_id, in place of a secret (private_key_jwt). Read at the start.',
    ),
  display_name: z
    .string()
    .regex(/^[^\p{Cc}]{1,100}$/u, 'write at most 100 characters')
    .optional()
    .describe('What its button on the sign-in page says; the name of the section unless written.'),
  scopes: z
    .string()
    .regex(
      /^[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)*$/,
      'write scopes with blanks between them',
    )
    .refine((scopes) => scopes.split(/ +/).includes('openid'), 'write openid among them')
    .prefault('openid profile email')
    .describe('What is asked for at a sign-in in a browser.'),
  audience: list('audiences')
    .optional()
    .transform((audiences) => audiences ?? [])
    .describe(
      'Whom the access tokens are for that are taken as Authorization: Bearer, with commas between them: one of these must be the aud of a token. None are taken unless written.',
    ),
  authorized_parties: list('client ids')
    .optional()
    .describe(
      'Clients whose access tokens are taken (azp, client_id or appid of the token), with commas between them; those of every client unless written.',
    ),
  username_claim: claim('preferred_username').describe(
    'Claim that names a user who comes for the first time. An email is taken only if the provider says that it is verified.',
  ),
  groups_claim: claim('groups').describe(
    'Claim that holds the groups of a user: a list, or one group. realm_access.roles is roles inside realm_access.',
  ),
  allowed_groups: list('groups')
    .optional()
    .describe(
      'Groups one of which a user must be in to sign in, with commas between them; everybody of the provider may unless written.',
    ),
  admin_group: z
    .string()
    .optional()
    .describe(
      'Group whose members are admins here. It gives and takes the flag of users that the provider has brought, never of the last admin, nor of users made here.',
    ),
  create_users: oneOf(['true', 'false'])
    .prefault('true')
    .transform((written) => written === 'true')
    .describe('Whether a user who comes for the first time is made; otherwise an admin links them first.'),
  service_accounts: z
    .string()
    .transform((text, context) => {
      const read = readServiceAccounts(text);
      if (read === undefined) {
        context.addIssue(
          'write the name of a service account, a colon and what the claims of its tokens are, with semicolons between accounts, such as ci-train: repository=acme/train, ref=refs/heads/main; nightly: sub=system:serviceaccount:ml:nightly',
        );
        return z.NEVER;
      }
      return read;
    })
    .optional()
    .describe(
      'Which service account a token stands for, by its claims: ci-train: repository=acme/train, ref=refs/heads/main; nightly: sub=system:serviceaccount:ml:nightly. With it no other tokens of the provider are taken. The accounts are made beforehand.',
    ),
  ca_file: file()
    .optional()
    .describe(
      'Certificates of the authorities that the provider is trusted by, in PEM; without it, those that Node.js knows. Read at the start.',
    ),
});

/** The names of all settings of a provider, in the order of the manual. */
export const PROVIDER_SETTING_NAMES: readonly string[] = Object.keys(providerSettings.shape);

/** A provider of single sign-on, checked; keys are spelled as in the file. */
export interface ProviderConfig extends z.output<typeof providerSettings> {
  /** What its section is called. */
  readonly name: string;
}

/** Where a provider's setting was written. */
export interface WrittenSetting {
  readonly text: string;
  /** The name by which a message finds it. */
  readonly origin: string;
}

/** What is written about each provider, by its name and then by key. */
export type WrittenProviders = ReadonlyMap<string, ReadonlyMap<string, WrittenSetting>>;

/** @returns the name in the heading of a section; undefined if it is not that of a provider. */
export function providerNameIn(section: string): string | undefined {
  const found = /^oidc(?:\.(.*))?$/i.exec(section);
  return found === null ? undefined : (found[1] ?? '');
}

/** Why a provider cannot be called so; undefined if it can. */
export function providerNameProblem(name: string): string | undefined {
  return NAME.test(name)
    ? undefined
    : 'write [oidc.NAME] with a name of lower-case letters, digits and dashes, such as [oidc.keycloak]';
}

/** Checks what is written about the providers, and names every problem. */
export function readProviders(written: WrittenProviders): {
  readonly providers: readonly ProviderConfig[];
  readonly problems: readonly string[];
} {
  const providers: ProviderConfig[] = [];
  const problems: string[] = [];
  for (const [name, values] of written) {
    const texts = [...values].map(([key, { text }]) => [key, text] as const);
    const { data, error } = providerSettings.safeParse(Object.fromEntries(texts));
    const originOf = (key: string) => values.get(key)?.origin ?? `${key} of [${PROVIDER_SECTION}${name}]`;
    problems.push(
      ...(error?.issues ?? []).map(({ path, message }) => `${originOf(String(path[0]))}: ${message}`),
    );
    if (data === undefined) {
      continue;
    }
    const provider = { name, ...data };
    problems.push(...inconsistencies(provider, providers).map(([key, what]) => `${originOf(key)}: ${what}`));
    providers.push(provider);
  }
  return { providers, problems };
}

/** What is wrong with a provider as a whole, or beside those before it. */
function inconsistencies(
  { issuer, audience, service_accounts: mappings, ...client }: ProviderConfig,
  before: readonly ProviderConfig[],
): readonly (readonly [key: string, problem: string])[] {
  const same = before.find((other) => issuerKey(other.issuer) === issuerKey(issuer));
  return [
    ...(same === undefined
      ? []
      : [['issuer', `[${PROVIDER_SECTION}${same.name}] has this issuer already: write each once`] as const]),
    ...(NO_TENANT.test(issuerKey(issuer).toLowerCase())
      ? [['issuer', 'write that of your tenant, by its id: anybody in the world can sign in here'] as const]
      : []),
    ...(audience.length === 0 && client.client_id === undefined
      ? [
          [
            'client_id',
            'write it for sign-in in a browser, or audience for access tokens of programs, or both',
          ] as const,
        ]
      : []),
    ...(client.client_id === undefined && (client.client_secret ?? client.client_key_file) !== undefined
      ? [['client_id', 'write whose secret or key it is'] as const]
      : []),
    ...(client.client_secret !== undefined && client.client_key_file !== undefined
      ? [['client_secret', 'write this or client_key_file, not both'] as const]
      : []),
    ...(client.client_id !== undefined && mappings !== undefined
      ? [
          [
            'service_accounts',
            'write these in a section without client_id: nobody signs in there in a browser',
          ] as const,
        ]
      : []),
    // Whoever signs in in a browser was let in by what the provider knows of the client.
    ...(EVERYBODYS.includes(issuer.replace(/\/$/, '')) && audience.length > 0 && mappings === undefined
      ? [
          [
            'service_accounts',
            'write which tokens are taken: anybody in the world can have a token of this issuer',
          ] as const,
        ]
      : []),
  ];
}

function claim(byDefault: string) {
  return z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'write the name of a claim')
    .prefault(byDefault);
}

/** Whether an address is one of an issuer (OpenID Connect Discovery 1.0, section 3), safe to ask for keys. */
export function isIssuer(text: string): boolean {
  if (!/^https?:\/\/[^\s?#\\@]+$/.test(text) || !URL.canParse(text)) {
    return false;
  }
  return isSafeAddress(new URL(text));
}

/** An issuer as the store knows it: written otherwise, as with a slash at its end, it is the same one. */
export const issuerKey = (issuer: string): string => (URL.canParse(issuer) ? new URL(issuer).href : issuer);

/** Whether what is said to an address cannot be read or changed on the way. */
export function isSafeAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname));
}

/** @returns undefined if it cannot be read. */
function readServiceAccounts(text: string): readonly ServiceMapping[] | undefined {
  const mappings = text.split(';').map((entry) => {
    const [, account = '', conditions = ''] = /^\s*([^:\s][^:]*?)\s*:(.*)$/s.exec(entry) ?? [];
    const claims = conditions.split(',').map((condition) => {
      const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/s.exec(condition) ?? [];
      return { claim: name, value };
    });
    return { account, claims };
  });
  const isWhole = ({ account, claims }: ServiceMapping) =>
    account !== '' && claims.every(({ claim: name, value }) => name !== '' && value !== '');
  return mappings.every(isWhole) ? mappings : undefined;
}
