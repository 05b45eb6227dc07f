import { NestFactory } from '@nestjs/core';
import { gracefulShutdown } from 'nestjs-stem';
import { WorkerModule } from './worker.module.js';

// No HTTP: the application is nothing but its providers.
const app = await NestFactory.createApplicationContext(WorkerModule);
gracefulShutdown(app);
