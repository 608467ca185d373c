/** @returns whether a text is in the clipboard now. Without HTTPS browsers have none, whatever its type says. */
export async function copyText(text: string): Promise<boolean> {
  const { clipboard } = navigator as Partial<Navigator>;
  return (await clipboard?.writeText(text).then(() => true, () => false)) ?? false;
}
