import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { gracefulShutdown } from 'nestjs-stem';
import { AppModule } from './app.module.js';
import { settings } from './settings.js';

const app = await NestFactory.create(AppModule);
gracefulShutdown(app, { grace: '25s' });
await app.listen(settings.port);

const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
const url = `http://localhost:${port}`;
console.log(`
Listening on ${url}

Enqueue a greeting, then see what became of it:

  TASK=$(curl -s ${url}/enqueue -H 'content-type: application/json' -d '{"name":"Ada"}' | cut -d'"' -f4)
  curl -s ${url}/status/$TASK
`);
