// Fetching with progress. Everything is same-origin; the browser's HTTP cache does the caching.

export class DownloadError extends Error {}

/** The bytes of `url`; `report(loaded, total)` as they arrive. A failure is a `DownloadError` with one sentence. */
export async function download(url: string, name: string, expected: number, report: (loaded: number, total: number) => void): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch {
    throw new DownloadError(`${name} could not be downloaded: the server did not answer.`);
  }
  if (!response.ok || !response.body) throw new DownloadError(`${name} could not be downloaded: the server answered ${response.status}.`);
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      loaded += value.length;
      report(loaded, Math.max(expected, loaded));
    }
  } catch {
    throw new DownloadError(`${name} could not be downloaded: the connection broke after ${loaded} bytes.`);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
