import { ModuleRef } from '@nestjs/core';
import { Injectable } from '@nestjs/common';
import { StemWorkerHost } from 'nestjs-stem';

@Injectable()
export class WorkerProbe {
  constructor(private readonly modules: ModuleRef) {}

  isHealthy(): boolean {
    const { worker } = this.modules.get(StemWorkerHost, { strict: false });
    return worker?.health.status === 'healthy'; // also: state, counts, running, held
  }
}
