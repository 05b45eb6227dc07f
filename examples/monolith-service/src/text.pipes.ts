import { type ArgumentMetadata, BadRequestException, type PipeTransform } from '@nestjs/common';

/** Accepts a text that is not blank: `@Body('name', TextPipe)`. */
export class TextPipe implements PipeTransform<unknown, string> {
  transform(value: unknown, { data }: ArgumentMetadata): string {
    if (isText(value)) return value.trim();
    throw new BadRequestException(`${data} must be a text that is not blank`);
  }
}

/** Accepts a list of such texts that is not empty. */
export class TextListPipe implements PipeTransform<unknown, string[]> {
  transform(value: unknown, { data }: ArgumentMetadata): string[] {
    if (Array.isArray(value) && value.length > 0 && value.every(isText)) {
      return value.map((text) => text.trim());
    }
    throw new BadRequestException(`${data} must be a list of texts that are not blank`);
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
