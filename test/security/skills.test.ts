/** Skills are their creators': nobody reads, changes or takes over another's, by whatever name or form of request. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { grantOn, type Person, unique } from '../support/gateway.ts';
import { useGateway } from '../support/use-gateway.ts';

const SKILLS = '/api/3.0/mlflow/skills';
const SOURCE = { source_type: 'git', source: 'https://example.com/skills.git', ref: 'main' };
const DIGEST = 'a'.repeat(64);

const { gateway, alice, bob } = useGateway({
  settings: { default_permission: 'NO_PERMISSIONS' },
  people: ['alice', 'bob'],
});

const newName = () => unique('skill').toLowerCase();
const pathOf = (name: string) => `${SKILLS}/${name}`;

/** Makes a skill with a version; answers its name. */
async function madeBy(person: Person, name = newName()): Promise<string> {
  const made = await person.post(`${pathOf(name)}/versions`, SOURCE);
  expect(made.status, made.text).toBe(200);
  return name;
}

/** The names that a search shows, whole or by pages. */
async function shownTo(person: Person, query = 'max_results=1000'): Promise<readonly string[]> {
  const { status, json, text } = await person.get(`${SKILLS}?${query}`);
  expect(status, text).toBe(200);
  return json.skills.map(({ organization, name }: { organization: string; name: string }) =>
    organization === '' ? name : `@${organization}/${name}`,
  );
}

/** A tar archive with one file, as MLflow's client packs a skill. */
function archive(content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write('SKILL.md', 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\0', 257);
  header.write('00', 263);
  const sum = header.reduce((a, b) => a + b, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(512);
  body.write(content);
  return gzipSync(Buffer.concat([header, body, Buffer.alloc(1024)]));
}

interface Part {
  readonly name: string;
  readonly filename?: string;
  readonly content: string | Buffer;
}

const metadata = (content: object | string): Part => ({
  name: 'metadata',
  content: typeof content === 'string' ? content : JSON.stringify(content),
});
const content: Part = {
  name: 'content',
  filename: 'content.tar.gz',
  content: archive('---\nname: a\n---\n'),
};

/** Sends a form as it is written here. */
async function upload(person: Person, path: string, parts: readonly Part[], type = 'multipart/form-data') {
  const boundary = 'a-boundary';
  const body = Buffer.concat([
    ...parts.flatMap(({ name, filename, content: bytes }) => [
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`,
      ),
      Buffer.from(bytes),
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return person.send('POST', `${path}/versions`, {
    raw: body,
    headers: { 'content-type': `${type}; boundary=${boundary}` },
  });
}

describe('a skill', () => {
  test.each(['', '@acme/'])('is its creator’s: %s', async (organization) => {
    const name = `${organization}${newName()}`;
    const [, org, bare] = /^(?:@([^/]+)\/)?(.+)$/.exec(name) ?? [];
    const made = await alice.post(SKILLS, { name: bare, ...(org !== undefined && { organization: org }) });
    expect([made.status, made.json.allowed_actions]).toEqual([200, expect.arrayContaining(['MANAGE'])]);
    expect((await alice.get(pathOf(name))).status).toBe(200);
    expect((await alice.post(`${pathOf(name)}/versions`, SOURCE)).status).toBe(200);

    const url = pathOf(name);
    const tag = { key: 'k', value: 'v' };
    const asked: readonly (readonly [string, string, unknown?])[] = [
      ['GET', url],
      ['HEAD', url],
      ['PATCH', url, { description: 'mine' }],
      ['DELETE', url],
      ['POST', `${url}/tags`, tag],
      ['DELETE', `${url}/tags/k`],
      ['POST', `${url}/aliases`, { alias: 'a', version: 1 }],
      ['GET', `${url}/aliases/latest`],
      ['DELETE', `${url}/aliases/a`],
      ['POST', `${url}/versions`, SOURCE],
      ['GET', `${url}/versions`],
      ['GET', `${url}/versions/1`],
      ['PATCH', `${url}/versions/1`, { status: 'deprecated' }],
      ['PATCH', `${url}/versions/1`, { status: 'deleted' }],
      ['DELETE', `${url}/versions/1`],
      ['POST', `${url}/versions/1/tags`, tag],
      ['DELETE', `${url}/versions/1/tags/k`],
    ];
    for (const [method, target, json] of asked) {
      const { status } = await bob.send(method, target, json === undefined ? {} : { json });
      expect(status, `${method} ${target}`).toBe(403);
    }
    expect(await shownTo(bob)).toEqual([]);
    expect(await shownTo(alice)).toContain(name);
  });

  test('opens as far as is granted', async () => {
    const name = await madeBy(alice);
    const reader = await gateway.person('reader');
    await grantOn(alice, reader, 'skill', name, 'READ');
    expect((await reader.get(`${pathOf(name)}/versions`)).status).toBe(200);
    expect((await reader.get(pathOf(name))).json.allowed_actions).not.toContain('UPDATE');
    expect((await reader.post(`${pathOf(name)}/versions`, SOURCE)).status).toBe(403);
    expect(await shownTo(reader)).toEqual([name]);

    const editor = await gateway.person('editor');
    await grantOn(alice, editor, 'skill', name, 'EDIT');
    const tag = await editor.post(`${pathOf(name)}/tags`, { key: 'k', value: 'v' });
    expect(tag.status).toBe(200);
    expect((await editor.delete(`${pathOf(name)}/tags/k`)).status).toBe(200);
    const second = await editor.post(`${pathOf(name)}/versions`, { ...SOURCE, ref: 'second' });
    expect(second.status, second.text).toBe(200);
    const version = `${pathOf(name)}/versions/${second.json.version}`;
    expect((await editor.patch(version, { status: 'deprecated' })).status).toBe(200);
    expect((await editor.patch(version, { status: 'deleted' })).status).toBe(403);
    expect((await editor.delete(version)).status).toBe(403);
    expect((await editor.delete(pathOf(name))).status).toBe(403);
    expect((await alice.patch(version, { status: 'deleted' })).status).toBe(200);
  });

  test('takes no USE, as MLflow has it', async () => {
    const name = await madeBy(alice);
    const { status, json } = await alice.post('/api/3.0/mlflow/users/permissions/grant', {
      username: bob.username,
      resource_type: 'skill',
      resource_id: name,
      permission: 'USE',
    });
    expect([status, json.message]).toEqual([
      400,
      "Invalid permission 'USE' for resource_type='skill'. Skill Registry grants accept only: ('DENY', 'EDIT', 'MANAGE', 'READ').",
    ]);
  });

  test('takes its grants along when it is deleted', async () => {
    const name = await madeBy(alice);
    const reader = await gateway.person('reader');
    await grantOn(alice, reader, 'skill', name, 'MANAGE');
    expect((await alice.delete(pathOf(name))).status).toBe(200);
    await madeBy(bob, name);
    for (const former of [alice, reader]) {
      expect((await former.get(pathOf(name))).status).toBe(403);
    }
  });

  test('is nobody’s: a 404 in MLflow’s words', async () => {
    const name = newName();
    for (const each of [name, `@acme/${name}`]) {
      const [asked, told] = [await bob.get(pathOf(each)), await gateway.admin.get(pathOf(each))];
      const { error_code, message } = told.json;
      expect({ status: asked.status, json: asked.json }).toEqual({
        status: 404,
        json: { error_code, message },
      });
    }
  });

  test.each([
    (name: string) => name.toUpperCase(),
    (name: string) => `%20${name}`,
    (name: string) => `${name}%20`,
    (name: string) => `${name}%00`,
    (name: string) => `${name}/`,
    (name: string) => `./${name}`,
    (name: string) => `@/${name}`,
    (name: string) => `%40${name}`,
    (name: string) => `@acme%2F${name}`,
    (name: string) => `@acme//${name}`,
    (name: string) => `%2540acme/${name}`,
    (name: string) => `@acme/..%2F${name}`,
    (name: string) => [...name].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join(''),
    (name: string) => `%61cme/${name}`,
  ])('is not reached by another spelling: %s', async (spelled) => {
    const name = await madeBy(alice);
    await madeBy(alice, `@acme/${name}`);
    const target = pathOf(spelled(name));
    expect((await bob.get(target)).status).not.toBe(200);
    expect((await bob.patch(target, { description: 'taken' })).status).not.toBe(200);
    expect((await bob.delete(target)).status).not.toBe(200);
    for (const each of [name, `@acme/${name}`]) {
      expect((await alice.get(pathOf(each))).json).toMatchObject({ name, description: null });
    }
  });

  test('of an organization is not the one of that name alone, nor the other way round', async () => {
    const name = await madeBy(alice);
    const other = `@acme/${name}`;
    await madeBy(bob, other);
    expect((await bob.get(pathOf(name))).status).toBe(403);
    expect((await alice.get(pathOf(other))).status).toBe(403);
    expect((await alice.get(pathOf(`%40acme/${name}`))).status).toBe(403);
    expect((await bob.get(pathOf(`%40acme/${name}`))).status).toBe(200);
    expect(await shownTo(bob)).not.toContain(name);
  });
});

describe('a search for skills', () => {
  test('goes through all that may be read by pages, and tells of no others', async () => {
    const reader = await gateway.person('reader');
    const names: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      await madeBy(alice);
      names.push(await madeBy(reader, count % 2 === 0 ? newName() : `@acme/${newName()}`));
    }
    const found: string[] = [];
    let token = '';
    do {
      const query = `max_results=2&filter_string=${encodeURIComponent("name LIKE 'skill%'")}&order_by=name%20DESC${token}`;
      const { status, json, text } = await reader.get(`${SKILLS}?${query}`);
      expect(status, text).toBe(200);
      expect(json.skills.length).toBeLessThanOrEqual(2);
      found.push(
        ...json.skills.map((each: { organization: string; name: string }) =>
          each.organization === '' ? each.name : `@${each.organization}/${each.name}`,
        ),
      );
      token = json.next_page_token === null ? '' : `&page_token=${encodeURIComponent(json.next_page_token)}`;
    } while (token !== '');
    expect(found.toSorted()).toEqual(names.toSorted());
    expect(found).toHaveLength(new Set(found).size);
  });

  test('shows of those that it asks for what may be read', async () => {
    const [hidden, own] = [await madeBy(alice), await madeBy(bob)];
    const asked = (...names: string[]) =>
      names.map((name) => `include_skill_identities=${encodeURIComponent(name)}`).join('&');
    expect(await shownTo(bob, asked(hidden, own))).toEqual([own]);
    expect(await shownTo(bob, asked(hidden))).toEqual([]);
    expect(await shownTo(bob, asked(''))).toEqual([]);
    expect(await shownTo(gateway.admin, asked(hidden, own))).toHaveLength(2);
  });

  test('does not show what is denied to a caller who may read all others', async () => {
    const [first, second] = [await madeBy(alice), await madeBy(alice)];
    const reader = await gateway.person('reader');
    await grantOn(gateway.admin, reader, 'skill', '*', 'READ');
    await grantOn(gateway.admin, reader, 'skill', first, 'DENY');
    const shown = await shownTo(reader);
    expect(shown).toContain(second);
    expect(shown).not.toContain(first);
    expect((await reader.get(pathOf(first))).status).toBe(403);
  });
});

describe('versions of many skills at once', () => {
  const register = (person: Person, names: readonly string[], organization?: string) =>
    person.post(`${SKILLS}/bulk-register`, {
      ...(organization !== undefined && { organization }),
      skills: names.map((name) => ({ name, ...SOURCE, subpath: name, digest: DIGEST })),
    });

  test('make those that are new and change those that are the caller’s', async () => {
    const [own, made] = [await madeBy(bob), newName()];
    const { status, text } = await register(bob, [own, made]);
    expect(status, text).toBe(200);
    expect((await bob.get(pathOf(made))).json.allowed_actions).toContain('MANAGE');
    expect((await alice.get(pathOf(made))).status).toBe(403);
  });

  test.each([undefined, 'acme'])('are all refused where one is another’s, of %s', async (organization) => {
    const prefix = organization === undefined ? '' : `@${organization}/`;
    const [foreign, own, made] = [newName(), newName(), newName()];
    await madeBy(alice, `${prefix}${foreign}`);
    await madeBy(bob, `${prefix}${own}`);
    expect((await register(bob, [made, own, foreign], organization)).status).toBe(403);
    expect((await register(bob, [foreign], organization)).status).toBe(403);
    expect((await gateway.admin.get(pathOf(`${prefix}${made}`))).status).toBe(404);
    const { json } = await alice.get(`${pathOf(`${prefix}${foreign}`)}/versions`);
    expect(json.skill_versions).toHaveLength(1);
  });

  test.each([
    (name: string) => ({ skills: [{ name: name.toUpperCase(), ...SOURCE, digest: DIGEST }] }),
    (name: string) => ({ organization: 'ACME', skills: [{ name, ...SOURCE, digest: DIGEST }] }),
    (name: string) => ({ organization: ['x'], skills: [{ name, ...SOURCE, digest: DIGEST }] }),
    (name: string) => ({ skills: [{ name: [name], ...SOURCE, digest: DIGEST }] }),
    (name: string) => ({ skills: { name, ...SOURCE, digest: DIGEST } }),
    (name: string) => ({ skills: [{ name, ...SOURCE, digest: DIGEST, created_by: 'admin' }] }),
    () => ({ skills: [] }),
    () => ({}),
  ])('name them one way only: %s', async (body) => {
    const name = await madeBy(alice);
    expect((await bob.post(`${SKILLS}/bulk-register`, body(name))).status).toBe(400);
  });

  test('are read as sent once, not twice', async () => {
    const [own, foreign] = [await madeBy(bob), await madeBy(alice)];
    const entry = (name: string) => JSON.stringify([{ name, ...SOURCE, digest: DIGEST }]);
    const raw = `{"skills": ${entry(own)}, "skills": ${entry(foreign)}}`;
    const headers = { 'content-type': 'application/json' };
    expect((await bob.send('POST', `${SKILLS}/bulk-register`, { raw, headers })).status).toBe(400);
  });

  test('make nothing that is denied', async () => {
    const [denied, other] = [newName(), newName()];
    const carol = await gateway.person('carol');
    await grantOn(gateway.admin, carol, 'skill', denied, 'DENY');
    expect((await register(carol, [other, denied])).status).toBe(403);
    expect((await gateway.admin.get(pathOf(other))).status).toBe(404);
  });
});

describe('an uploaded skill', () => {
  test('is its creator’s, and its content with it', async () => {
    const name = newName();
    const made = await upload(alice, pathOf(name), [metadata({ name, status: 'active' }), content]);
    expect(made.status, made.text).toBe(200);
    const { source } = (await alice.get(`${pathOf(name)}/versions/1`)).json;
    const path = source.replace('mlflow-artifacts:/', '');
    const artifacts = '/api/2.0/mlflow-artifacts/artifacts';
    const file = await alice.get(`${artifacts}/${path}/SKILL.md`);
    expect([file.status, file.text]).toEqual([200, '---\nname: a\n---\n']);
    expect((await alice.get(`${artifacts}?path=${path}`)).status).toBe(200);
    for (const target of [
      `${artifacts}/${path}/SKILL.md`,
      `${artifacts}?path=${path}`,
      `${artifacts}?path=skills`,
      `${artifacts}?path=skills/${name}`,
      `${artifacts}/./${path}/SKILL.md`,
      `${artifacts}/SKILLS/${path.slice('skills/'.length)}/SKILL.md`,
    ]) {
      expect((await bob.get(target)).status, target).toBeGreaterThanOrEqual(400);
    }
    for (const method of ['PUT', 'DELETE']) {
      const sent = method === 'PUT' ? { raw: 'changed' } : {};
      const { status } = await alice.send(method, `${artifacts}/${path}/SKILL.md`, sent);
      expect(status, method).toBe(403);
    }
  });

  test('goes into another’s with EDIT alone', async () => {
    const name = await madeBy(alice);
    expect((await upload(bob, pathOf(name), [metadata({ name }), content])).status).toBe(403);
    await grantOn(alice, bob, 'skill', name, 'EDIT');
    expect((await upload(bob, pathOf(name), [content, metadata({ name })])).status).toBe(200);
  });

  test.each<readonly [string, (own: string, foreign: string) => readonly Part[]]>([
    ['that says another name', (_own, foreign) => [metadata({ name: foreign }), content]],
    ['that says an organization', (own) => [metadata({ name: own, organization: 'acme' }), content]],
    ['with two descriptions', (own) => [metadata({ name: own }), metadata({ name: own }), content]],
    ['with two contents', (own) => [metadata({ name: own }), content, content]],
    ['with a part more', (own) => [metadata({ name: own }), content, { name: 'name', content: own }]],
    ['without a description', () => [content]],
    ['without content', (own) => [metadata({ name: own })]],
    ['whose content is no file', (own) => [metadata({ name: own }), { name: 'content', content: 'x' }]],
    ['described twice', (own, foreign) => [metadata(`{"name": "${own}", "name": "${foreign}"}`), content]],
    ['described by no JSON', () => [metadata('name'), content]],
    ['with a field that MLflow does not have', (own) => [metadata({ name: own, created_by: 'x' }), content]],
  ])('%s is refused', async (_, parts) => {
    const [own, foreign] = [newName(), await madeBy(alice)];
    expect((await upload(bob, pathOf(own), parts(own, foreign))).status).toBe(400);
    expect((await gateway.admin.get(pathOf(own))).status).toBe(404);
  });

  test('is a form, and nothing that is called otherwise', async () => {
    const name = newName();
    const parts = [metadata({ name }), content];
    for (const type of ['multipart/mixed', 'text/plain', 'application/x-www-form-urlencoded']) {
      expect((await upload(bob, pathOf(name), parts, type)).status).toBe(400);
    }
    const { status } = await bob.send('POST', `${pathOf(name)}/versions`, {
      raw: '--other\r\n\r\n',
      headers: { 'content-type': 'multipart/form-data; boundary=none' },
    });
    expect(status).toBe(400);
    expect((await gateway.admin.get(pathOf(name))).status).toBe(404);
  });
});
