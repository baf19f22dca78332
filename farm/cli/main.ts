#!/usr/bin/env node
/** The command `asu`. */
import { asu } from './asu.ts';
import { runCommand } from './run-command.ts';

await runCommand(asu, process.argv.slice(2));
