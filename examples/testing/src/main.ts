import { NestFactory } from '@nestjs/core';
import { gracefulShutdown } from 'nestjs-stem';
import { AppModule } from './app.module.js';

const app = await NestFactory.createApplicationContext(AppModule);
gracefulShutdown(app);
