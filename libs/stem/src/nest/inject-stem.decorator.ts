import { Inject } from '@nestjs/common';
import { StemClient } from '../client/stem-client.js';
import { DEFAULT_STEM_NAME } from '../config/resolve-options.js';

/**
 * The injection token of a Stem's client: the class {@link StemClient} itself for the Stem without a
 * name, which can so be injected by type.
 */
export function getStemToken(name: string = DEFAULT_STEM_NAME): symbol | typeof StemClient {
  return name === DEFAULT_STEM_NAME ? StemClient : Symbol.for(`nestjs-stem:client:${name}`);
}

/** The injection token of the parts that belong to a Stem; for this library's own modules. */
export function getRuntimeToken(name: string = DEFAULT_STEM_NAME): symbol {
  return Symbol.for(`nestjs-stem:runtime:${name}`);
}

/** Injects the {@link StemClient} of the Stem of this name, or of the one without a name. */
export function InjectStem(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getStemToken(name));
}
