// What was dropped or chosen, as paths and files. Folders are walked; nothing is read yet.

export type Named = [path: string, file: File];

/** More than this is a mistake (a whole disk), and walking it would take minutes. */
export const MOST_FILES = 250_000;

async function walk(entry: FileSystemEntry, path: string, into: Named[]): Promise<void> {
  if (into.length >= MOST_FILES) return;
  if (entry.isFile) {
    into.push([path, await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))]);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A hundred at a time, until none comes.
    const more = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (more.length === 0) return;
    for (const inner of more) await walk(inner, path ? `${path}/${inner.name}` : inner.name, into);
  }
}

export interface Chosen { name: string; files: Named[] }

/** Must be called while the event is handled: its items are gone afterwards. */
export function dropped(data: DataTransfer): Promise<Chosen> {
  const entries = [...data.items].map((item) => (item.kind === "file" ? item.webkitGetAsEntry() : null)).filter((entry) => entry !== null);
  return (async () => {
    const files: Named[] = [];
    const single = entries.length === 1 ? entries[0]! : null;
    // A single folder is the data itself: paths begin inside it.
    for (const entry of entries) await walk(entry, single?.isDirectory ? "" : entry.name, files);
    return { name: single?.name ?? entries[0]?.name ?? "", files };
  })();
}

/** Files of an `<input>`, which for a folder begin with its name. */
export function chosen(list: Iterable<File>): Chosen {
  const files = [...list];
  const folder = files[0]?.webkitRelativePath.split("/")[0] ?? "";
  const named: Named[] = files.map((file) => [folder ? file.webkitRelativePath.slice(folder.length + 1) : file.name, file]);
  return { name: folder || (files[0]?.name ?? ""), files: named };
}

const ARCHIVE = /\.(zip|tar|tgz|tar\.gz|gz|7z|rar|zst)$/i;
const PICTURE = /\.(png|jpe?g|webp|gif|avif|bmp|heic|svg)$/i;

/** A single picture is looked for; anything else is data to learn from. */
export function isData(data: DataTransfer): boolean {
  const items = [...data.items].filter(({ kind }) => kind === "file");
  if (items.length !== 1) return items.length > 1;
  if (items[0]!.webkitGetAsEntry()?.isDirectory) return true;
  const name = data.files[0]?.name ?? "";
  return ARCHIVE.test(name) || (/\.\w+$/.test(name) && !PICTURE.test(name) && !data.files[0]?.type.startsWith("image/"));
}
