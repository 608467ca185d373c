/** Passkeys, as the browser makes them and asks for them. Loaded when one is wanted. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { request } from "@lockstep/shared/http.ts";
import { t } from "../i18n.ts";
import { useToastsStore } from "../ui/toasts.ts";

export type PasskeyOptions = components["schemas"]["PasskeyOptions"];
export type PasskeyAnswer = components["schemas"]["PasskeyAnswer"];

/** @returns what logs somebody in, or proves who they are; null if they changed their mind, or their device has no passkey. */
export async function answerChallenge(): Promise<PasskeyAnswer | null> {
  const { ticket, options } = await request<PasskeyOptions>("/auth/passkey-challenge", { method: "POST" });
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON);
  return answered(ticket, navigator.credentials.get({ publicKey }));
}

/** @returns what the browser made for an offer; null if it made nothing. */
export function makePasskey({ ticket, options }: PasskeyOptions): Promise<PasskeyAnswer | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  return answered(ticket, navigator.credentials.create({ publicKey }));
}

async function answered(ticket: string, asked: Promise<Credential | null>): Promise<PasskeyAnswer | null> {
  try {
    const credential = await asked;
    return credential instanceof PublicKeyCredential ? { ticket, credential: credential.toJSON() as unknown as PasskeyAnswer["credential"] } : null;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // Browsers do not tell a page whether somebody cancelled, or has no passkey.
    const isKnown = error.name === "InvalidStateError";
    if (error.name !== "AbortError") useToastsStore().error(t(isKnown ? "session.passkey.known" : "session.passkey.failed"), null);
    return null;
  }
}
