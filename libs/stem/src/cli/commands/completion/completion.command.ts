import { usageError } from '../../framework/cli-error.js';
import {
  type Call,
  type Report,
  StemCommand,
  StemSubCommand,
} from '../../framework/stem-command.js';

/** Each asks `stem completion-words` for what may come next. */
const SCRIPTS: Readonly<Record<string, (name: string) => string>> = {
  bash: (name) => `_${name}_completion() {
  local IFS=$'\\n'
  local words
  words=$(${name} completion-words -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name}_completion ${name}`,
  zsh: (name) => `#compdef ${name}
_${name}() {
  local -a candidates
  candidates=(\${(f)"$(${name} completion-words -- "\${(@)words[2,CURRENT-1]}" 2>/dev/null)"})
  if (( \${#candidates} )); then compadd -a candidates; else _files; fi
}
compdef _${name} ${name}`,
  fish: (name) =>
    `complete -c ${name} -f -a "(${name} completion-words -- (commandline -opc)[2..] 2>/dev/null)"`,
};

@StemSubCommand({
  name: 'completion',
  arguments: '<shell>',
  summary: 'Prints a script that completes commands and options in bash, zsh or fish',
  examples: [
    ['completion bash >> ~/.bashrc', 'for bash'],
    ['completion zsh >> ~/.zshrc', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/stem.fish', 'for fish'],
  ],
})
export class StemCompletionCommand extends StemCommand {
  protected execute({ args: [shell = ''] }: Call): Promise<Report> {
    const script = SCRIPTS[shell];
    if (!script) {
      throw usageError(`There is no completion for '${shell}', only for bash, zsh and fish.`);
    }
    const text = script('stem');
    return Promise.resolve({ json: { shell, script: text }, text: () => text });
  }
}
