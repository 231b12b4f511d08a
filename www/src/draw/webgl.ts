// Whether this browser draws with WebGL2: asked once, since every probe is a context, of which a page has few.
let known: boolean | null = null;

export function hasWebgl(): boolean {
  if (known === null) {
    const context = document.createElement("canvas").getContext("webgl2");
    known = context !== null;
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return known;
}
