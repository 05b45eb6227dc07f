import { decodeEnvelope, encodeEnvelope } from './envelope.js';

it('carries everything there and back', () => {
  const text = encodeEnvelope({
    id: 'an "odd" id',
    name: 'email.send',
    argsJson: '{"to":["ada"]}',
    headers: { tenant: 'a' },
    meta: { n: 1 },
    maxRetries: 2,
    expires: true,
    uniqueKey: 'k',
    resultTtlMs: 5,
  });

  expect(decodeEnvelope(text)).toEqual({
    id: 'an "odd" id',
    name: 'email.send',
    args: { to: ['ada'] },
    headers: { tenant: 'a' },
    meta: { n: 1 },
    maxRetries: 2,
    expires: true,
    uniqueKey: 'k',
    resultTtlMs: 5,
  });
});

it('is as short as can be when there is nothing more to say', () => {
  const text = encodeEnvelope({ id: '0.a', name: 'x', argsJson: '{}', headers: {}, meta: {} });
  expect(text).toBe('["0.a","x",{}]');
});

it.each([
  ['', /not JSON/],
  ['{}', /not an array/],
  ['[1,2]', /not an array/],
  ['[1,"x",{}]', /id is not a text/],
  ['["a",null,{}]', /name is not a text/],
  ['["a","x",{},5]', /extras are not an object/],
  ['["a","x",{},{"h":{"k":1}}]', /headers/],
  ['["a","x",{},{"m":[]}]', /metadata/],
  ['["a","x",{},{"r":-1}]', /retries/],
  ['["a","x",{},{"u":1}]', /unique key/],
  ['["a","x",{},{"t":"long"}]', /retention/],
])('says why %p is none', (text, fault) => {
  expect(decodeEnvelope(text)).toEqual({ corrupt: expect.stringMatching(fault) as string });
});
