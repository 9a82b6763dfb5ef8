/** Lists of media types that a tenant or a policy allows: "application/pdf", the family "image/*", or everything. */

/** Whether a media type is on the list; its parameters ("; charset=utf-8") and its case do not matter. */
export function isTypeAllowed(allowed: readonly string[], type: string): boolean {
  const plain = type.split(';')[0]!.trim().toLowerCase();
  const family = `${plain.split('/')[0]}/*`;
  return allowed.some((one) => one === '*/*' || one === plain || one === family);
}
