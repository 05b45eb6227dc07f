import { NestFactory } from '@nestjs/core';
import { gracefulShutdown } from 'nestjs-stem';
import { AppModule } from './app.module.js';

async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  gracefulShutdown(app);
  await app.listen(process.env.PORT ?? 3000);
}
await bootstrap();
