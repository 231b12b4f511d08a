// Where the data lies beside the page. The checksum in the address makes it a new one when the content is.
import type { PackPart } from "../protocol";

export const PACK = "packs/emoji/";
export const partFile = ({ file, sha256 }: PackPart): string => `${file}?v=${sha256.slice(0, 8)}`;
