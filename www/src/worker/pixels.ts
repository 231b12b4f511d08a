// A picture as pixels, decoded by the browser.

/** Longest side: features look at fewer pixels. */
const MOST_SIDE = 1024;

/** Null: this browser cannot read it. */
export async function pixels(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<ImageData | null> {
  try {
    const type = /\.svg$/i.test(name) ? "image/svg+xml" : "";
    const bitmap = await createImageBitmap(new Blob([bytes], { type }));
    const scale = Math.min(1, MOST_SIDE / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale))];
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (context) context.imageSmoothingQuality = "high";
    context?.drawImage(bitmap, 0, 0, width, height);
    bitmap.close();
    return context?.getImageData(0, 0, width, height) ?? null;
  } catch {
    return null;
  }
}
