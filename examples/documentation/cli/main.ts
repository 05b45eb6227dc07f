import { Module } from '@nestjs/common';
import { CommandFactory } from 'nest-commander';
import { StemCliModule } from 'nestjs-stem/cli';

@Module({ imports: [StemCliModule.under('jobs')] }) // my-cli jobs queue list
class CliModule {}

void CommandFactory.run(CliModule);
