// The words that every page has, in English and Spanish, and the switch between both languages.

const COMMON = {
  en: {
    navigation: "Pages",
    compare_page: "Compare",
    people_page: "People",
    evaluation_page: "Evaluation",
    jobs_page: "Jobs",
    language: "Language",
    invite: "Choose a picture, drop it or paste it here",
    choose: "Choose",
    camera: "Camera",
    shoot: "Take the picture",
    cancel: "Cancel",
    preparing: "Reading the picture…",
    faces: (count) => (count === 1 ? "1 face" : `${count} faces`),
    unanswered: "The local stack does not answer. Is it still running? Start it with: face-validation local --background",
    no_camera: "No camera can be used here. Allow it in the browser, or choose a file.",
    camera_document: "Hold the document inside the frame",
    camera_person: "Look at the camera",
  },
  es: {
    navigation: "Páginas",
    compare_page: "Comparar",
    people_page: "Personas",
    evaluation_page: "Evaluación",
    jobs_page: "Trabajos",
    language: "Idioma",
    invite: "Elija una imagen, suéltela o péguela aquí",
    choose: "Elegir",
    camera: "Cámara",
    shoot: "Tomar la foto",
    cancel: "Cancelar",
    preparing: "Leyendo la imagen…",
    faces: (count) => (count === 1 ? "1 cara" : `${count} caras`),
    unanswered: "El servicio local no responde. ¿Sigue en marcha? Inícielo con: face-validation local --background",
    no_camera: "No se puede usar ninguna cámara. Permítala en el navegador o elija un archivo.",
    camera_document: "Ponga el documento dentro del marco",
    camera_person: "Mire a la cámara",
  },
};

const STORED = "twin.language";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in COMMON) return stored;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in COMMON) ?? "en";
}

let language = preferred();
let listener = () => {};
let own = COMMON;

// A phone that came by the link of `--lan` gets the page that compares, and no other.
export const onPhone = location.protocol === "https:";
export const words = () => ({ ...COMMON[language], ...own[language] });
export const currentLanguage = () => language;

// Write the words of the language into the page; `changed` is told each time, to write what it wrote itself again.
export function speak(wordsOfPage, changed) {
  own = wordsOfPage;
  listener = changed;
  document.querySelector("nav").hidden = onPhone;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      language = button.dataset.language;
      localStorage.setItem(STORED, language);
      write();
    });
  }
  write();
}

function write() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-words]")) element.textContent = words()[element.dataset.words];
  for (const element of document.querySelectorAll("[data-words-label]")) element.ariaLabel = words()[element.dataset.wordsLabel];
  for (const button of document.querySelectorAll("[data-language]")) button.ariaPressed = String(button.dataset.language === language);
  listener();
}
