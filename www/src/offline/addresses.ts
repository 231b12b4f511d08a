// Where the data lies beside the page. The checksum in the address makes it a new one when the content is.
import type { PackPart } from "../protocol";

export const PACKS = "packs/";
/** From the folder of its pack; an encoder may lie in another. */
export const partFile = ({ file, sha256, pack }: PackPart): string => `${pack ? `../${pack}/` : ""}${file}?v=${sha256.slice(0, 8)}`;
