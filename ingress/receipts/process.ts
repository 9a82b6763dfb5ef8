/** The receipts process of the low side: the only one that writes into the tenants' folders of receipts. */
import { serveReceipts } from '../../shared/ops/receipts/serve.js';

serveReceipts();
