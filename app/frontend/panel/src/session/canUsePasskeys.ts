/** Whether this browser has passkeys, and this page may ask for one: a passkey belongs to a host by name, never to an address. */
export function canUsePasskeys(): boolean {
  return typeof PublicKeyCredential !== "undefined" && "parseRequestOptionsFromJSON" in PublicKeyCredential && !/^[\d.]+$|:/.test(location.hostname);
}
