/**
 * The sealer: signs manifests and heartbeats, and nothing it has not looked at itself. An object whose verdict is not
 * complete for its tenant is refused here again, whatever the stages before have said.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { toHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { publicKeyOf } from '../../shared/crypto/publicKey.js';
import { signStatement } from '../../shared/crypto/signature.js';
import {
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  type Heartbeat,
  MANIFESTS_TYPE,
  type StatementType,
} from '../../shared/wire/statements.js';
import { assertComplete } from '../../shared/wire/verdict.js';
import type { SealedEnvelope, SealRequest } from './messages.js';

export class Sealer {
  readonly keyId: Uint8Array;

  constructor(
    private readonly key: KeyObject,
    private readonly required: Record<string, string[]>,
  ) {
    this.keyId = publicKeyOf(key).keyId;
  }

  /** Throws SEAL_VERDICT_INCOMPLETE when any entry may not be sealed: then nothing is. */
  seal(request: SealRequest): SealedEnvelope {
    const { history, coding, sealedMs } = request;
    const manifests = request.entries.map(({ manifest, verdict }) => {
      const requiredFilters = Object.hasOwn(this.required, manifest.tenant)
        ? this.required[manifest.tenant]
        : undefined;
      if (!requiredFilters) throw new SluiceError('SEAL_VERDICT_INCOMPLETE', `No policy for ${manifest.tenant}.`);
      assertComplete({ requiredFilters }, verdict, manifest.sha256);
      const verdicts = verdict.filters.map(({ name, version, configDigest, digest }) => ({
        filter: name,
        version,
        configDigest,
        digest,
      }));
      return { ...manifest, verdicts };
    });
    return this.sign(MANIFESTS_TYPE, encodeManifests({ history, coding, manifests, sealedMs, keyId: this.keyId }));
  }

  heartbeat(heartbeat: Omit<Heartbeat, 'keyId'>): SealedEnvelope {
    return this.sign(HEARTBEAT_TYPE, encodeHeartbeat({ ...heartbeat, keyId: this.keyId }));
  }

  private sign(statementType: StatementType, statement: Uint8Array): SealedEnvelope {
    const signature = signStatement(this.key, statementType, statement);
    const bytes = encodeEnvelope({ statementType, statement, keyId: this.keyId, signature });
    return { object: toHex(createHash('sha256').update(bytes).digest().subarray(0, 8)), bytes };
  }
}
