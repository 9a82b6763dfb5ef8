/** The receipts process as both sides have it, for the bench, which belongs to neither. */
import { serveReceipts } from '../shared/ops/receipts/serve.js';

serveReceipts();
