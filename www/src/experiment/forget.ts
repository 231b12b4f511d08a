// Deleting everything that the page keeps in this browser. Done at the next start, before anything is read: a page that
// stands open writes its run once more when it is left.
const ASKED = "mtls-lab/forget";

/** False: this browser keeps nothing anyway. */
export function forgetEverything(): boolean {
  try {
    sessionStorage.setItem(ASKED, "1");
  } catch {
    return false;
  }
  location.assign(location.pathname);
  return true;
}

export async function forgetIfAsked(): Promise<void> {
  try {
    if (!sessionStorage.getItem(ASKED)) return;
    for (const { name } of await indexedDB.databases()) if (name?.startsWith("mtls-lab")) await emptied(name);
    sessionStorage.removeItem(ASKED);
  } catch {
    // Storage is forbidden: nothing lies there.
  }
}

/** Emptied, not deleted: a database that another tab has open cannot be deleted. */
async function emptied(name: string): Promise<void> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error(name));
  });
  const stores = [...database.objectStoreNames];
  if (stores.length > 0) {
    const transaction = database.transaction(stores, "readwrite");
    for (const store of stores) transaction.objectStore(store).clear();
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error(name));
    });
  }
  database.close();
}
