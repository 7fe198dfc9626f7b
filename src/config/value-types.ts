import { z } from 'zod';

/** A whole number. */
export const integer = (min: number, max: number) => {
  const error = `write a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, error)
    .transform(Number)
    .pipe(z.number().min(min, { error }).max(max, { error }));
};

/** The path of a file, which is not looked at yet. */
export const file = () => z.string().regex(/^[^\0]+$/, 'write the path of a file');

/** One of a few words, in any letter case. */
export const oneOf = <T extends string>(choices: readonly T[]) =>
  z.string().transform((text, context) => {
    const choice = choices.find((each) => each.toLowerCase() === text.toLowerCase());
    if (choice === undefined) {
      context.addIssue(`write one of ${choices.join(', ')}`);
      return z.NEVER;
    }
    return choice;
  });

/** Texts with commas between them, none of them empty. */
export const list = (what: string) =>
  z
    .string()
    .transform((text) => text.split(',').map((entry) => entry.trim()))
    .refine((entries) => entries.every((entry) => entry !== ''), `write ${what}, with commas between them`);
