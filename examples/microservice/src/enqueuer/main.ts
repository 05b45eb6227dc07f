import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { gracefulShutdown } from 'nestjs-stem';
import { EnqueuerModule } from './enqueuer.module.js';

const app = await NestFactory.create(EnqueuerModule);
gracefulShutdown(app);
await app.listen(readPort(process.env.PORT || '8081'));

const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
const url = `http://localhost:${port}`;
console.log(`
Listening on ${url}

Enqueue a greeting, then wait for its result:

  TASK=$(curl -s ${url}/enqueue -H 'content-type: application/json' -d '{"name":"Ada"}' | cut -d'"' -f4)
  curl -s "${url}/result/$TASK?timeout=10s"
`);

/** 0 takes any free port. */
function readPort(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new Error(`PORT is '${text}'; expected a number from 0 to 65535.`);
}
