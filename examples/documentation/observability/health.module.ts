import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { StemHealthIndicator } from 'nestjs-stem/terminus';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly stem: StemHealthIndicator,
  ) {}

  @Get('ready') // of this process: can it enqueue?
  ready() {
    return this.health.check([() => this.stem.isHealthy('stem', { checks: ['broker'] })]);
  }

  @Get('jobs') // of all processes: for an alert
  jobs() {
    return this.health.check([() => this.stem.isHealthy('jobs')]);
  }
}

@Module({
  imports: [TerminusModule],
  controllers: [HealthController],
  providers: [StemHealthIndicator],
})
export class HealthModule {}
