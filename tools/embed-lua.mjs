#!/usr/bin/env node
/**
 * Embeds the Lua scripts in a TypeScript module, so that the published package reads no files.
 *
 * `--- @include "name"` is replaced by include/name.lua, the first time it is met in a script. An indented one
 * is for the function around it alone, and costs nothing until that is called.
 * Pure comment lines and blank lines are dropped: scripts travel to the server and are hashed there.
 * So is whatever an include defines and the script does not use: Redis runs a script from its first line
 * on every call, and each function that is defined costs time in each of them. For the same reason what an
 * include defines is moved down to where it is first used: a script that returns before that saves it. A
 * function that is one expression is written out where it is called, and `redis.call` is looked up once.
 *
 * A first line `#!lua flags=...` stays the first line: Redis reads there what a script may do.
 *
 * With --check nothing is written; the exit code is 1 when the module is out of date.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'libs/stem/src/broker/redis/scripts');
const target = join(folder, 'sources.generated.ts');

const INCLUDE = /^\s*---\s*@include\s+"([^"]+)"\s*$/;
/** A function or a constant: it means the same wherever it is defined. */
const MOVABLE = /^local (function \w|[A-Z_]+ = )/;
/** A line that ends or goes on with a statement that began before it. */
const CONTINUATION = /^(\s|end\b|else|until\b|[)}])/;
/** A definition on the outermost level: a function, which ends with an `end` there, or a line. */
const DEFINITION = /^local (?:(function) )?(\w+)(?= ?\(| = )/;
/** `local function name(parameters) return expression end`, on one line. */
const EXPRESSION = /^[ \t]*local function (\w+)\(([\w, ]*)\) return (.+) end\n/m;
/** What can stand in for a parameter as it is: a name, a literal, an element. */
const SIMPLE = /^(?:[\w.]+|'[^']*'|\w+\[[^[\]]+\])$/;
const FLAGS = /^#!lua flags=[a-z,-]+$/;
const COMMENT_OR_BLANK = /^\s*(--.*)?$/;
const BLOCK_COMMENT = /^\s*--\[=*\[/;

try {
  process.exitCode = main(process.argv.includes('--check'));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function main(checkOnly) {
  const scripts = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.lua'))
        .sort()
    : [];
  const onDisk = existsSync(target) ? readFileSync(target, 'utf8') : undefined;
  if (scripts.length === 0 && onDisk === undefined) return 0;

  const generated = render(scripts);
  if (generated === onDisk) return 0;
  if (checkOnly) {
    console.error(`${relative(root, target)} is out of date: run \`npm run generate\``);
    return 1;
  }
  writeFileSync(target, generated);
  return 0;
}

function render(scripts) {
  const entries = scripts.map((name) => {
    const file = join(folder, name);
    const chunks = definedLate(withoutUnused(embed(file, new Set())));
    const body = withCallLookedUpOnce(withExpressionsInPlace(textOf(chunks)));
    const source = JSON.stringify(`${flagsOf(file)}${body}\n`);
    return `  ${propertyKey(basename(name, '.lua'))}: ${source},\n`;
  });
  return [
    '// Generated from the .lua files in this folder by `npm run generate`. Do not edit.\n',
    `export const sources = {\n${entries.join('')}} as const;\n`,
  ].join('\n');
}

/** The line in which a script tells Redis what it may do; nothing when it has none. */
function flagsOf(file) {
  const [first] = readFileSync(file, 'utf8').split(/\r?\n/, 1);
  if (FLAGS.test(first)) return `${first}\n`;
  if (first.startsWith('#')) {
    throw new Error(`${relative(root, file)}:1: expected #!lua flags=<flag>,<flag>`);
  }
  return '';
}

function propertyKey(name) {
  return /^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name);
}

/**
 * The file in chunks: what an include defines is a chunk of its own, `{ name, text }`; everything else has
 * no name and is always kept. A function with an include of its own is marked as a scope.
 */
function embed(file, included, isInclude = false) {
  const chunks = [];
  /** The function that is being defined, and its lines and nested includes as chunks of their own. */
  let definition;
  let body = [];
  for (const [index, line] of readFileSync(file, 'utf8').split(/\r?\n/).entries()) {
    const where = `${relative(root, file)}:${index + 1}`;
    const include = INCLUDE.exec(line)?.[1];
    if (include !== undefined) {
      const known = /^\s/.test(line) ? new Set(included) : included;
      if (known.has(include)) continue;
      known.add(include);
      const includedFile = join(folder, 'include', `${include}.lua`);
      if (!existsSync(includedFile)) {
        throw new Error(`${where}: there is no ${relative(root, includedFile)}`);
      }
      (definition ? body : chunks).push(...embed(includedFile, known, true));
      if (definition) definition.isScope = true;
      continue;
    }
    if (/^\s*---\s*@include\b/.test(line)) {
      throw new Error(`${where}: expected --- @include "name"`);
    }
    if (BLOCK_COMMENT.test(line)) {
      throw new Error(`${where}: block comments are not supported, start each line with --`);
    }
    if (COMMENT_OR_BLANK.test(line) || (index === 0 && FLAGS.test(line))) continue;
    const text = line.trimEnd();
    if (definition) {
      body.push({ text });
      if (text === 'end') {
        definition.text = textOf(withoutUnused(body));
        definition = undefined;
      }
      continue;
    }
    const [, kind, name] = DEFINITION.exec(text) ?? [];
    chunks.push({ name: isInclude ? name : undefined, text });
    if (kind === 'function' && !/\bend$/.test(text)) {
      definition = chunks.at(-1);
      body = [{ text }];
    }
  }
  if (definition) throw new Error(`${relative(root, file)}: ${definition.text} has no end`);
  return chunks;
}

function textOf(chunks) {
  return chunks.map(({ text }) => text).join('\n');
}

/** Leaves out definitions whose name nothing else mentions, until every one left is mentioned. */
function withoutUnused(chunks) {
  const used = chunks.filter(({ name, text }) => {
    if (name === undefined) return true;
    const mention = new RegExp(`\\b${name}\\b`);
    return chunks.some((other) => other.text !== text && mention.test(other.text));
  });
  return used.length === chunks.length ? used : withoutUnused(used);
}

/**
 * Moves what includes define down: into the scopes that use it, when nothing else does, or before the first
 * statement that uses it. From the last to the first, because a definition uses those before it.
 */
function definedLate(chunks) {
  const placed = [...chunks];
  for (const chunk of chunks.toReversed()) {
    if (chunk.name === undefined || !MOVABLE.test(chunk.text)) continue;
    const home = placed.indexOf(chunk);
    const mention = new RegExp(`\\b${chunk.name}\\b`);
    const users = placed.filter((other) => other !== chunk && mention.test(other.text));
    if (users.every(({ isScope }) => isScope)) {
      if (users.some((user) => meansElse(chunk, placed.slice(home, placed.indexOf(user)))))
        continue;
      placed.splice(home, 1);
      for (const user of users) user.text = user.text.replace('\n', () => `\n${chunk.text}\n`);
      continue;
    }
    let at = placed.indexOf(users[0]);
    while (CONTINUATION.test(placed[at].text)) at--;
    if (meansElse(chunk, placed.slice(home, at))) continue;
    placed.splice(at, 0, chunk);
    placed.splice(home, 1);
  }
  return placed;
}

/** Whether a name in the definition would be another variable behind these chunks. */
function meansElse({ text }, passed) {
  const itsOwn = new Set(namesDeclaredIn(text));
  const outer = new Set(text.match(/\b[a-z_]\w*/gi).filter((word) => !itsOwn.has(word)));
  return passed.some(({ name, text: other }) => {
    const declared = name === undefined && /^local (?:function )?([\w, ]+)/.exec(other)?.[1];
    return declared && declared.split(/[, ]+/).some((word) => outer.has(word));
  });
}

/** Parameters, locals and loop variables, each as often as it is declared. */
function namesDeclaredIn(text) {
  const declarations =
    /\bfunction \w*\(([^)]*)\)|\blocal (?!function)([\w, ]+)|\bfor ([\w, ]+?) (?:in|=) /g;
  return [...text.matchAll(declarations)].flatMap(([, parameters, locals, loop]) =>
    (parameters ?? locals ?? loop).trim().split(/[, ]+/),
  );
}

/**
 * Writes functions that are one expression out where they are called. Their free names are constants of the
 * script, so that the expression means the same everywhere; that is checked.
 */
function withExpressionsInPlace(text) {
  for (let [found, name, list, expression] = EXPRESSION.exec(text) ?? []; found;) {
    const parameters = list === '' ? [] : list.split(', ');
    // Several scopes may have it, each for itself.
    const rest = text.replaceAll(found, '');
    const declared = namesDeclaredIn(rest);
    for (const free of expression.replace(/'[^']*'/g, '').match(/\b[a-z_]\w*/gi) ?? []) {
      if (parameters.includes(free)) continue;
      if (declared.filter((other) => other === free).length > 1) {
        throw new Error(`${name} uses ${free}, which is not the same everywhere`);
      }
    }
    text = withCallsReplaced(rest, name, (args) =>
      expression.replace(/'[^']*'|\b[a-z_]\w*/gi, (word) => {
        const at = parameters.indexOf(word);
        if (at < 0) return word;
        return SIMPLE.test(args[at]) ? args[at] : `(${args[at]})`;
      }),
    );
    [found, name, list, expression] = EXPRESSION.exec(text) ?? [];
  }
  return text;
}

function withCallsReplaced(text, name, expressionFor) {
  const call = new RegExp(`\\b${name}\\b(.?)`);
  let done = '';
  for (let match = call.exec(text); match; match = call.exec(text)) {
    if (match[1] !== '(') throw new Error(`${name} is used in another way than to be called`);
    const from = match.index + match[0].length;
    const { args, end } = argumentsFrom(text, from);
    if (args.some((arg) => call.test(arg))) throw new Error(`${name} is given itself`);
    done += `${text.slice(0, match.index)}(${expressionFor(args)})`;
    text = text.slice(end);
  }
  return done + text;
}

/** The arguments of a call, from behind its opening parenthesis on. */
function argumentsFrom(text, from) {
  const args = [];
  let depth = 0;
  let start = from;
  for (const token of text.slice(from).matchAll(/'[^']*'|[()[\]{},]/g)) {
    const at = from + token.index;
    if ('([{'.includes(token[0])) depth++;
    if (token[0] === ',' && depth === 0) {
      args.push(text.slice(start, at).trim());
      start = at + 1;
    }
    if (')]}'.includes(token[0]) && depth-- === 0) {
      args.push(text.slice(start, at).trim());
      return { args: args[0] === '' ? [] : args, end: at + 1 };
    }
  }
  throw new Error(`A call has no end: ${text.slice(from, from + 80)}`);
}

function withCallLookedUpOnce(text) {
  const short = text.replace(/^local call = redis\.call\n/m, '').replaceAll('redis.call(', 'call(');
  return short === text ? text : `local call = redis.call\n${short}`;
}
