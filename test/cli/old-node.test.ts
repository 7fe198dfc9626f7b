import { expect, test } from 'vitest';
import { oldNode } from '../../src/cli/old-node.ts';

test.each(['18.0.0', '20.20.2', '22.18.9'])('Node %s is told what it takes', (version) => {
  expect(oldNode(version)).toMatch(`Node.js ${version} is too old: it takes >=22.`);
});

test.each(['22.19.0', '24.0.0', '100.1.0', process.versions.node])('Node %s will do', (version) => {
  expect(oldNode(version)).toBeUndefined();
});
