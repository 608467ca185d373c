/** Passkeys, as the browser makes them and asks for them. Loaded when one is wanted. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { ApiError, request } from "@lockstep/shared/http.ts";
import { t } from "../i18n.ts";
import { useToastsStore } from "../ui/toasts.ts";

export type PasskeyOptions = components["schemas"]["PasskeyOptions"];
export type PasskeyAnswer = components["schemas"]["PasskeyAnswer"];

/** The server takes an answer within five minutes; some of that is for whoever is choosing. */
const CHALLENGE_LASTS_MS = 240_000;

/** @returns what logs somebody in, or proves who they are; null if they changed their mind, or their device has no passkey. */
export async function answerChallenge(): Promise<PasskeyAnswer | null> {
  const { ticket, publicKey } = await challenge();
  return answered(ticket, navigator.credentials.get({ publicKey }));
}

/**
 * Has the browser offer passkeys among what it fills a field with that is marked `webauthn`, for as long as nobody aborts it.
 * @returns what logs somebody in, once they have chosen one; null if that comes to nothing, of which nobody is told.
 */
export async function answerFromField(signal: AbortSignal): Promise<PasskeyAnswer | null> {
  try {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable())) return null;
    while (!signal.aborted) {
      const { ticket, publicKey } = await challenge(signal);
      const late = AbortSignal.timeout(CHALLENGE_LASTS_MS);
      const asked = navigator.credentials.get({ publicKey, mediation: "conditional", signal: AbortSignal.any([signal, late]) });
      const credential = await asked.catch((error: unknown) => {
        if (!late.aborted) throw error;
      });
      if (credential) return inJson(ticket, credential);
    }
  } catch (error) {
    if (!(error instanceof DOMException || error instanceof ApiError)) throw error;
  }
  return null;
}

async function challenge(signal?: AbortSignal): Promise<{ ticket: string; publicKey: PublicKeyCredentialRequestOptions }> {
  const { ticket, options } = await request<PasskeyOptions>("/auth/passkey-challenge", { method: "POST", signal });
  return { ticket, publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options as unknown as PublicKeyCredentialRequestOptionsJSON) };
}

/** @returns what the browser made for an offer; null if it made nothing. */
export function makePasskey({ ticket, options }: PasskeyOptions): Promise<PasskeyAnswer | null> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as unknown as PublicKeyCredentialCreationOptionsJSON);
  return answered(ticket, navigator.credentials.create({ publicKey }));
}

async function answered(ticket: string, asked: Promise<Credential | null>): Promise<PasskeyAnswer | null> {
  try {
    return inJson(ticket, await asked);
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    // Browsers do not tell a page whether somebody cancelled, or has no passkey.
    const isKnown = error.name === "InvalidStateError";
    if (error.name !== "AbortError") useToastsStore().error(t(isKnown ? "session.passkey.known" : "session.passkey.failed"), null);
    return null;
  }
}

function inJson(ticket: string, credential: Credential | null): PasskeyAnswer | null {
  return credential instanceof PublicKeyCredential ? { ticket, credential: credential.toJSON() as unknown as PasskeyAnswer["credential"] } : null;
}
