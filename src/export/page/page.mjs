
// ---- The search page ------------------------------------------------------------------------------------------------
// What is looked at stands behind the # of the address: #q=WORDS or #item=NUMBER, so that Back works and links can be sent.

const SHOWN = 24, TEXTS = 8, PREVIEW_MS = 60;
const WORDS = {
  en: { search: "Search the pictures in words", pictures: "Pictures", texts: "Texts", near: "Pictures like it", some: "Some of the pictures", back: "Back to the search", count: (n) => `${n} pictures`, found: (k, n) => `The ${k} best of ${n} pictures, best first`, unknown: "No word of this query is known; the order means little.", credits: "Who made the pictures and texts", made: (p) => `Trained and exported with ${p}. Nothing you type leaves this page.`, failed: (e) => `This page could not be loaded: ${e}. Load it again, or put all its files beside each other.` },
  de: { search: "Bilder in Worten suchen", pictures: "Bilder", texts: "Texte", near: "Ähnliche Bilder", some: "Einige der Bilder", back: "Zurück zur Suche", count: (n) => `${n} Bilder`, found: (k, n) => `Die ${k} besten von ${n} Bildern, das beste zuerst`, unknown: "Kein Wort der Anfrage ist bekannt; die Reihenfolge sagt wenig.", credits: "Wer die Bilder und Texte gemacht hat", made: (p) => `Trainiert und exportiert mit ${p}. Nichts, was Sie tippen, verlässt diese Seite.`, failed: (e) => `Die Seite konnte nicht geladen werden: ${e}. Laden Sie sie neu, oder legen Sie alle ihre Dateien nebeneinander.` },
  fr: { search: "Chercher les images par des mots", pictures: "Images", texts: "Textes", near: "Images semblables", some: "Quelques images", back: "Retour à la recherche", count: (n) => `${n} images`, found: (k, n) => `Les ${k} meilleures de ${n} images, la meilleure d’abord`, unknown: "Aucun mot de la requête n’est connu ; l’ordre ne dit pas grand-chose.", credits: "Auteurs des images et des textes", made: (p) => `Entraîné et exporté avec ${p}. Rien de ce que vous tapez ne quitte cette page.`, failed: (e) => `La page n’a pas pu être chargée : ${e}. Rechargez-la, ou placez tous ses fichiers côte à côte.` },
  es: { search: "Buscar las imágenes con palabras", pictures: "Imágenes", texts: "Textos", near: "Imágenes parecidas", some: "Algunas de las imágenes", back: "Volver a la búsqueda", count: (n) => `${n} imágenes`, found: (k, n) => `Las ${k} mejores de ${n} imágenes, la mejor primero`, unknown: "No se conoce ninguna palabra de la consulta; el orden dice poco.", credits: "Autores de las imágenes y los textos", made: (p) => `Entrenado y exportado con ${p}. Nada de lo que escribe sale de esta página.`, failed: (e) => `No se pudo cargar la página: ${e}. Vuelva a cargarla o ponga todos sus archivos juntos.` },
  zh: { search: "用文字搜索图片", pictures: "图片", texts: "文本", near: "相似的图片", some: "部分图片", back: "返回搜索", count: (n) => `${n} 张图片`, found: (k, n) => `${n} 张图片中最佳的 ${k} 张，最佳在前`, unknown: "查询中没有已知的词，排序意义不大。", credits: "图片和文本的作者", made: (p) => `由 ${p} 训练并导出。您输入的内容不会离开此页面。`, failed: (e) => `页面无法加载：${e}。请重新加载，或将所有文件放在一起。` },
};

if (typeof document !== "undefined") void start();

async function start() {
  const at = (id) => document.getElementById(id);
  const language = (navigator.languages ?? ["en"]).map((tag) => tag.slice(0, 2)).find((tag) => tag in WORDS) ?? "en";
  const t = WORDS[language];
  document.documentElement.lang = language;
  try {
    const [set, model, index] = await Promise.all([
      load("set.json").then((response) => response.json()),
      load("model.safetensors").then(async (response) => new Model(await response.arrayBuffer())),
      load("index.safetensors").then(async (response) => readSafetensors(await response.arrayBuffer()).tensors),
    ]);
    show(at, t, set, model, index);
  } catch (error) {
    at("state").textContent = t.failed(error instanceof Error ? error.message : String(error));
  }
}

async function load(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

/** The `k` best of `n` by a score, best first. */
function best(n, k, score) {
  return Array.from({ length: n }, (_, item) => ({ item, score: score(item) })).sort((a, b) => b.score - a.score).slice(0, k);
}

function show(at, t, set, model, index) {
  const { items } = set, n = items.length, image = index.get("image"), text = index.get("text");
  const input = at("query");
  document.title = at("name").textContent = set.name;
  input.setAttribute("aria-label", t.search);
  input.placeholder = t.search;
  input.disabled = false;
  at("texts-title").textContent = t.texts;
  at("back").textContent = t.back;
  at("made").textContent = t.made(set.program);
  at("credits-title").textContent = t.credits;
  at("credits").hidden = set.credits.length === 0;
  for (const { part, title, authors, licence, source } of set.credits) {
    const line = document.createElement("li");
    line.textContent = [part, title, authors, licence, source].filter(Boolean).join(" · ");
    at("credits-list").append(line);
  }

  /** Makes an element the picture of an item: a part of its sheet. */
  function picture(element, item) {
    const place = item % set.per_sheet, sheet = Math.floor(item / set.per_sheet);
    const onSheet = Math.min(set.per_sheet, n - sheet * set.per_sheet), rows = Math.ceil(onSheet / set.columns);
    const share = (index, count) => (count > 1 ? (100 * index) / (count - 1) : 0);
    element.classList.add("picture");
    element.style.backgroundImage = `url("${set.sheets[sheet]}")`;
    element.style.backgroundSize = `${100 * set.columns}% ${100 * rows}%`;
    element.style.backgroundPosition = `${share(place % set.columns, set.columns)}% ${share(Math.floor(place / set.columns), rows)}%`;
    return element;
  }

  function span(name, words) {
    const element = document.createElement("span");
    element.className = name;
    element.textContent = words;
    return element;
  }

  function list(id, found, entry) {
    at(`${id}-part`).hidden = found.length === 0;
    at(id).replaceChildren(...found.map((hit) => {
      const line = document.createElement("li"), button = document.createElement("button");
      button.type = "button";
      button.dataset.item = String(hit.item);
      button.append(...entry(hit));
      button.addEventListener("click", () => (location.hash = `item=${hit.item}`));
      line.append(button);
      return line;
    }));
  }

  const pictures = (found) => list("pictures", found, ({ item }) => [picture(document.createElement("span"), item), span("title", items[item].title)]);
  const texts = (found) => list("texts", found, ({ item, score }) => [span("title", items[item].text), span("score", score.toFixed(2))]);

  function search(words) {
    at("chosen").hidden = true;
    texts([]);
    if (words.trim() === "") {
      at("state").textContent = t.count(n);
      at("pictures-title").textContent = t.some;
      // Evenly spread over the set: its beginning would show one class.
      const count = Math.min(SHOWN, n);
      pictures(Array.from({ length: count }, (_, i) => ({ item: Math.floor((i * n) / count), score: 0 })));
      return;
    }
    const query = model.embedText(words);
    const found = best(n, SHOWN, (item) => model.scoreOf("text", query, image, item));
    at("pictures-title").textContent = t.pictures;
    at("state").textContent = model.features.known(words) > 0 ? t.found(found.length, n) : t.unknown;
    pictures(found);
  }

  /** A picture of the set: the texts nearest to it, and the pictures like it. */
  function choose(item) {
    const own = new Float64Array(image.shape[1]);
    addRow(own, 1, image, item);
    const { title, text: words } = items[item];
    picture(at("chosen-picture"), item).setAttribute("aria-label", title);
    at("chosen-title").textContent = title;
    at("chosen-text").textContent = words === title ? "" : words;
    at("chosen").hidden = false;
    at("state").textContent = "";
    texts(best(n, TEXTS, (other) => model.scoreOf("image", own, text, other)));
    at("pictures-title").textContent = t.near;
    pictures(best(n, SHOWN + 1, (other) => (other === item ? -Infinity : dotRow(own, image, other))).slice(0, Math.min(SHOWN, n - 1)));
    at("chosen-title").focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  function look() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const item = Number(asked.get("item") ?? NaN);
    if (Number.isInteger(item) && item >= 0 && item < n) return choose(item);
    const words = asked.get("q") ?? "";
    if (input.value !== words) input.value = words;
    search(words);
  }

  // Typing replaces the entry of the history; only a choice makes a new one.
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      history.replaceState(null, "", input.value ? `#${new URLSearchParams({ q: input.value })}` : "#");
      search(input.value);
    }, PREVIEW_MS);
  });
  at("form").addEventListener("submit", (event) => event.preventDefault());
  at("back").addEventListener("click", () => {
    location.hash = input.value ? new URLSearchParams({ q: input.value }).toString() : "";
    input.focus();
  });
  addEventListener("hashchange", look);
  look();
}
