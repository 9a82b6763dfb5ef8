/** The shape of a verdict that another process sent: every field of the right kind and bounded, no field beyond them. */
import { z } from 'zod';
import { ERRORS, SluiceError } from '../../shared/core/errors.js';
import { LIMITS } from '../../shared/core/limits.js';
import type { Verdict } from '../../shared/wire/verdict.js';

const outcome = z.enum(['pass', 'refuse', 'hold']);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Every character may have been escaped to ten. What a screen or a log would act on may not be left in it. */
const text = z
  .string()
  .max(12 * LIMITS.scanFindingMaxText)
  .refine((shown) => !/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u.test(shown));
const word = z.string().regex(/^[\w.-]{1,64}$/);

const schema = z.object({
  type: z.string().regex(/^[a-z]+\/[a-z0-9][a-z0-9.+-]{0,127}$/),
  verdict: outcome,
  filters: z
    .array(z.object({ name: word, version: word, configDigest: sha256, verdict: outcome, digest: sha256 }))
    .max(LIMITS.manifestMaxFilters),
  findings: z
    .array(
      z.object({
        code: z.string().refine((code) => Object.hasOwn(ERRORS, code)),
        where: text,
        detail: text,
        filter: word,
      }),
    )
    .max(4 * LIMITS.scanMaxFindings),
  ms: z.number().nonnegative(),
});

/** Throws INTERNAL when it is none. */
export function verdictFrom(said: unknown): Verdict {
  const result = schema.safeParse(said);
  if (result.success) return result.data;
  const where = result.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new SluiceError('INTERNAL', `A scan process sent something else than a verdict (${where}).`);
}
