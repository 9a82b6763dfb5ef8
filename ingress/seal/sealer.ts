/**
 * The sealer: signs manifests and heartbeats, and nothing it has not looked at itself. An object whose verdict is not
 * complete for its tenant is refused here again, whatever the stages before have said; so is a statement that the other
 * side would have to refuse, for a signature cannot be taken back.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { toHex } from '../../shared/core/bytes.js';
import { SluiceError } from '../../shared/core/errors.js';
import { publicKeyOf } from '../../shared/crypto/publicKey.js';
import { signStatement } from '../../shared/crypto/signature.js';
import { envelopeMaxBytes, heartbeatMaxBytes } from '../../shared/wire/envelopeObject.js';
import {
  decodeHeartbeat,
  decodeManifests,
  encodeEnvelope,
  encodeHeartbeat,
  encodeManifests,
  HEARTBEAT_TYPE,
  type Heartbeat,
  manifestsTypeOf,
  type StatementType,
} from '../../shared/wire/statements.js';
import { assertComplete } from '../../shared/wire/verdict.js';
import type { SealedEnvelope, SealRequest } from './messages.js';

export class Sealer {
  readonly keyId: Uint8Array;

  constructor(
    private readonly key: KeyObject,
    private required: Record<string, string[]>,
  ) {
    this.keyId = publicKeyOf(key).keyId;
  }

  /** Other requirements, from the next statement on. */
  require(required: Record<string, string[]>): void {
    this.required = required;
  }

  /**
   * Throws when any entry may not be sealed, and then nothing is: SEAL_VERDICT_INCOMPLETE, MANIFEST_INVALID for values
   * that cannot be, ENVELOPE_TOO_LARGE.
   */
  seal(request: SealRequest): SealedEnvelope {
    const { history, coding, sealedMs, consignment } = request;
    const manifests = request.entries.map(({ manifest, verdict }) => {
      const requiredFilters = Object.hasOwn(this.required, manifest.tenant)
        ? this.required[manifest.tenant]
        : undefined;
      if (!requiredFilters) throw new SluiceError('SEAL_VERDICT_INCOMPLETE', `No policy for ${manifest.tenant}.`);
      assertComplete({ requiredFilters }, verdict, manifest.sha256);
      if (manifest.type !== verdict.type) {
        throw new SluiceError('SEAL_VERDICT_INCOMPLETE', 'The manifest names another type than the verdict.');
      }
      const verdicts = verdict.filters.map(({ name, version, configDigest, digest }) => ({
        filter: name,
        version,
        configDigest,
        digest,
      }));
      return { ...manifest, verdicts };
    });
    const { keyId } = this;
    const value = { history, coding, manifests, sealedMs, keyId, ...(consignment ? { consignment } : {}) };
    const statement = encodeManifests(value);
    const type = manifestsTypeOf(value);
    decodeManifests(statement, type);
    return this.sign(type, statement, envelopeMaxBytes(coding.symbolBytes));
  }

  heartbeat(heartbeat: Omit<Heartbeat, 'keyId'>): SealedEnvelope {
    const statement = encodeHeartbeat({ ...heartbeat, keyId: this.keyId });
    decodeHeartbeat(statement);
    return this.sign(HEARTBEAT_TYPE, statement, heartbeatMaxBytes(heartbeat.parameters.symbolBytes));
  }

  private sign(statementType: StatementType, statement: Uint8Array, maxBytes: number): SealedEnvelope {
    const signature = signStatement(this.key, statementType, statement);
    const bytes = encodeEnvelope({ statementType, statement, keyId: this.keyId, signature });
    if (bytes.length > maxBytes) {
      throw new SluiceError('ENVELOPE_TOO_LARGE', `It would have ${bytes.length} bytes, ${maxBytes} are possible.`);
    }
    return { object: toHex(createHash('sha256').update(bytes).digest().subarray(0, 8)), bytes };
  }
}
