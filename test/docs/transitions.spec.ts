import { TRANSITIONS, type Transition } from '../../libs/stem/src/core/task-state.js';
import { blocksOf, readPage } from './markdown.js';

/** Moves as the diagram of the page draws them: `running --> queued: release, reclaim (remark)`. */
const drawn = blocksOf(readPage('docs/architecture.md'))
  .filter(({ info }) => info === 'mermaid')
  .flatMap(({ lines }) => lines)
  .flatMap((line) => {
    const [, from = '', to = '', verbs] =
      /^\s*(\S+) --> (\w+): ([\w, ]+?)(?: \(.*\))?$/.exec(line) ?? [];
    return verbs?.split(', ').map((verb) => ({ from, verb, to })) ?? [];
  });

describe('the diagram of states', () => {
  it.each(Object.entries<Transition>(TRANSITIONS))('has every move of %s', (name, transition) => {
    const moves = drawn.filter(({ verb }) => verb === name);
    const { from, to } = transition;
    // What stays running has no arrow.
    const isLoop = (state: string): boolean => from.includes('running') && state === 'running';
    const starts: readonly string[] = from.length === 0 ? ['[*]'] : from;
    const loops = to.some(isLoop);
    expect({
      from: new Set(moves.map((move) => move.from)),
      to: new Set(moves.map((move) => move.to)),
    }).toEqual({
      from: new Set(starts.filter((state) => !(loops && isLoop(state)))),
      to: new Set(to.filter((state) => !isLoop(state))),
    });
  });

  it('has no others', () => {
    expect(drawn.filter(({ verb }) => !(verb in TRANSITIONS))).toEqual([]);
  });
});
