import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLog } from '../../src/cli/log.ts';
import { temporaryDirectory } from '../store/temporary.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';

test('lines for a program are JSON with ISO time and a level in words; the end has a line of its own', async () => {
  const upstream = await startFakeUpstream();
  const gateway = await startGatewayProcess(upstream.uri, join(temporaryDirectory(), 'gateway.db'));
  expect(await gateway.end('SIGTERM')).toBe(0);
  await upstream.close();
  const lines = gateway
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const { level, time } of lines) {
    expect(level).toMatch(/^(?:info|warn|error)$/);
    expect(time).toBe(new Date(String(time)).toISOString());
  }
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', signal: 'SIGTERM' }));
});

test('lines on a terminal are for people, and nothing in them moves the cursor', async () => {
  let shown = '';
  const output = {
    isTTY: true,
    write(text: string) {
      shown += text;
      return true;
    },
  };
  const log = await openLog('info', output as never);
  const odd = 'a\u001b[2Jb\u009bc\u007fd\u202ee\\u001b';
  log.warn({ user: odd, err: new Error(odd) }, odd);
  log.info({ status: 200 }, 'request');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of the line itself
  const plain = shown.replace(/\u001b\[\d*m/g, '');
  expect(plain).toMatch(/^\[\d\d:\d\d:\d\d\] WARN: a\ufffd\[2Jb/);
  expect(plain).toMatch(/\] INFO: request \{"status":200\}\n$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(plain).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});
