// Whether this browser draws with WebGL2, and with what: asked once, since every probe is a context, of which a page has few.
let known: "none" | "software" | "hardware" | null = null;

/** Not every browser owns up to a software renderer when asked to refuse one, but all of them name it. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|lavapipe|software|basic render/i;

function renderer(): "none" | "software" | "hardware" {
  if (known === null) {
    const swift = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
    const context = swift ?? document.createElement("canvas").getContext("webgl2");
    const named = context?.getParameter(context.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER);
    known = !context ? "none" : !swift || SOFTWARE.test(String(named)) ? "software" : "hardware";
    context?.getExtension("WEBGL_lose_context")?.loseContext();
  }
  return known;
}

export const hasWebgl = (): boolean => renderer() !== "none";
/** Whether the processor draws: slowly, and on the time of everything else. */
export const drawsInSoftware = (): boolean => renderer() === "software";
