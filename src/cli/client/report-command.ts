import type { Command } from './command.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { many, textOr, time } from './shows.ts';

/** `EDIT on experiment 12`, or the reason where nothing that is granted was missing. */
function lacks({ need, because }: JsonObject): string {
  return isJsonObject(need)
    ? `${need['permission']} on ${need['resource_type']} ${need['resource_id']}`
    : String(because);
}

function advice({ advice: what, refused_by: by }: JsonObject): string {
  if (isJsonObject(by)) {
    const whose = typeof by['role'] === 'string' ? `role ${by['role']}` : 'the user';
    return `${whose} holds ${by['permission']} on ${by['resource_type']} ${by['resource_id']}`;
  }
  return textOr('advice', '')({ advice: what === 'gone' ? 'no such user any more' : what });
}

/** What would be refused, were permissions enforced. */
export const REPORT_COMMAND: Command = {
  name: 'report',
  group: 'Audit',
  does: 'list what was let pass with enforcement = report and would be refused by what is granted now',
  more: 'mlflow-auth-gateway report prints it as a script of grants, beside the store.',
  takes: [],
  flags: [{ field: 'user', usage: 'NAME', does: 'whose', reads: 'text' }],
  before: async ({ user }) => (user === undefined ? {} : { username: user }),
  call: { method: 'GET', path: '2.0 permissions/report' },
  shows: {
    ...many('refusals', [
      ['USER', 'username'],
      ['WOULD NEED', lacks],
      ['REQUESTS', 'requests'],
      ['LAST', time('last_at')],
      ['HOLDS', textOr('holds', '')],
      ['ADVICE', advice],
    ]),
    whyEmpty: () => 'Nothing would be refused of what was asked, by what is granted now.',
  },
  examples: ['report', 'report --user alice to-json'],
};
