#!/usr/bin/env node
/** The command `mlflow-auth-gateway`: the server, and what is done to its store. */
import { Command } from 'commander';
import { serve } from './cli/serve.ts';

const program = new Command('mlflow-auth-gateway')
  .description('Sign-in, users and permissions in front of a stock MLflow tracking server.')
  .showHelpAfterError();

program
  .command('serve', { isDefault: true })
  .description('run the gateway in the foreground, configured by the INI file and MLFLOW_AUTH_* variables')
  .action(() => serve());

await program.parseAsync();
