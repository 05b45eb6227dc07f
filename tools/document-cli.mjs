#!/usr/bin/env node
/**
 * `node tools/document-cli.mjs`: writes the reference of docs/cli.md from the built command line.
 * `--check`: fails when it is not as it would be written. `--list`: prints the names of all commands.
 */
import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Module } from '@nestjs/common';
import { CommandFactory, CommandRunnerService } from 'nest-commander';
import { StemCliModule } from '../libs/stem/dist/esm/cli/index.js';

const PAGE = fileURLToPath(new URL('../docs/cli.md', import.meta.url));
const START = '<!-- reference: written by tools/document-cli.mjs -->\n';
const WIDTH = 100;

class Program {}
Module({ imports: [StemCliModule] })(Program);

const app = await CommandFactory.createWithoutRunning(Program, { logger: false });
await app.init();
const root = app.get(CommandRunnerService).commander.name('stem');
await app.close();

const commands = root.commands.filter(isShown).flatMap((command) => {
  const inner = command.commands.filter(isShown);
  return inner.length > 0 ? [command, ...inner] : [command];
});

if (process.argv.includes('--list')) {
  console.log(JSON.stringify(commands.filter(isLeaf).map((command) => pathOf(command).slice(5))));
} else {
  const page = readFileSync(PAGE, 'utf8');
  const written = page.slice(0, page.indexOf(START) + START.length) + `\n${reference()}`;
  if (!process.argv.includes('--check')) writeFileSync(PAGE, written);
  else if (written !== page) {
    console.error('docs/cli.md is not as the commands are: run npm run build && npm run document');
    process.exitCode = 1;
  }
}

function reference() {
  return commands
    .map((command) => {
      if (!isLeaf(command)) return `### ${command.name()}\n\n${command.description()}.\n`;
      const level = command.parent === root ? '###' : '####';
      return `${level} ${pathOf(command)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
    })
    .join('\n');
}

/** What `--help` prints, without the options that every command has. */
function helpOf(command) {
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => WIDTH,
  });
  command.outputHelp();
  return text
    .replace(/\nGlobal options:\n(?: {2}.*\n)+/, '')
    .replace(/^ {2}-h, --help .*\n/m, '')
    .replace(/\nOptions:\n\n/, '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .trim();
}

function pathOf(command) {
  return command === root ? 'stem' : `${pathOf(command.parent)} ${command.name()}`;
}

function isShown(command) {
  return !command._hidden;
}

function isLeaf(command) {
  return command.commands.length === 0;
}
