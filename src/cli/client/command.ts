import type { Secrets } from '../secrets.ts';
import type { Argument } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { JsonObject } from './json.ts';
import type { Column } from './render-table.ts';
import type { Call, Input, Line, Sent } from './send.ts';
import type { Step, StepTools } from './steps.ts';
import type { Thing } from './thing.ts';

/** What of the answer is shown. */
export interface Shows {
  /** A list prints one JSON object per line, anything else a single object. */
  readonly list: boolean;
  /** The objects to show, out of the answer. */
  readonly pick: (reply: JsonObject) => readonly JsonObject[];
  readonly columns: readonly Column[];
  /** Why a list is empty, where it says more than that there is nothing. */
  readonly whyEmpty?: (reply: JsonObject, input: Sent) => string;
}

/** What a command turns out to ask once its arguments are known. */
export interface Plan {
  readonly call: Call;
  readonly input: Sent;
  /** Absent where the answer is empty. */
  readonly shows: Shows | undefined;
}

/** What a command that shows more than fits into memory may use. */
export interface StreamTools extends Pick<StepTools, 'send' | 'ask'> {
  /** The body of an answer, as it comes. */
  readonly read: Line['read'];
  /** `--to-json` was said. */
  readonly json: boolean;
  /** A remark beside what is shown. */
  readonly say: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Resolves when it is time to ask again whether there is something new. */
  readonly nextPoll: () => Promise<void>;
}

/** What a command by which a person signs in, or out, may use. */
export interface SigningTools {
  /** The way to a gateway, without a look at who is signed in; the one of the settings if none is named. */
  readonly connect: (server: string | undefined) => Connection;
  readonly send: (connection: Connection, call: Call, input: Sent) => Promise<JsonObject>;
  readonly secrets: Pick<Secrets, 'read'>;
  readonly openBrowser: (address: string) => void;
  /** Says something to a person, beside what is answered. Its lines stay lines. */
  readonly tell: (text: string) => void;
  readonly warn: (text: string) => void;
  /** How long to wait for the browser, in milliseconds. */
  readonly waitMs: number;
  readonly random: (bytes: number) => Buffer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's own directory. */
  readonly home: string;
  /** What this machine is called. */
  readonly machine: string;
  /** `--to-json` was said. */
  readonly json: boolean;
}

/** One command. */
export type Command = AskingCommand | StreamingCommand | SigningCommand;

/** One by which a person signs in or out: whoever is signed in already has nothing to do with it. */
export interface SigningCommand extends CommandOf {
  /** @returns what it prints. */
  readonly signs: (input: Input, tools: SigningTools) => Promise<string>;
}

/** One that shows its answer piece by piece. */
export interface StreamingCommand extends CommandOf {
  readonly streams: (input: Input, tools: StreamTools) => AsyncIterable<string | Uint8Array>;
}

/** One of a call and its answer. What all of them do is in execute.ts; this is all that tells them apart. */
export interface AskingCommand extends CommandOf {
  /** The request; a function where it depends on the arguments. */
  readonly call: Call | ((input: Input) => Plan);
  /** What it is about, so that a name in place of its id can be told. */
  readonly on?: (input: Input) => Thing | undefined;
  /** It gives a permission on that, which opens nothing where there is no such thing. */
  readonly gives?: true;
  /** What the request needs to know from the server first. */
  readonly before?: Step;
  /** A second try that answers what the server asked for. */
  readonly again?: Step<Sent>;
  /** Absent where the answer is empty. */
  readonly shows?: Shows;
  /** What `permissions/preview` is asked for `--dry-run`; absent where that says nothing. */
  readonly preview?: (input: Input) => Input;
  /** A warning that goes with the answer. */
  readonly warns?: (reply: JsonObject, input: Input) => string | undefined;
  /** Said when there is nothing to show; `{field}` is filled in. */
  readonly done?: string;
  /** What helps when the server says that it exists already. */
  readonly ifExists?: string;
}

interface CommandOf {
  readonly name: string;
  readonly group: string;
  readonly does: string;
  /** Sentences that only the command's own help shows. */
  readonly more?: string;
  /** Required, in this order; a password may be left out. */
  readonly takes: readonly Argument[];
  /** Optional, by flag. */
  readonly flags?: readonly (Argument & { readonly fallback?: string })[];
  readonly examples: readonly string[];
}
