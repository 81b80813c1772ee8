// Every word of the page, in English and Spanish, and the switch between them.

export const SIDES = ["source", "target"];

const WORDS = {
  en: {
    navigation: "Pages",
    compare_page: "Compare",
    language: "Language",
    title: "Is this the same person?",
    lead: "A trusted picture, and the person to check. Both stay on this machine and are deleted after the answer.",
    trusted_is: "The trusted picture is",
    a_document: "an identity document",
    a_photograph: "a photograph",
    in_hand: "a document in the person's hand",
    target_in_hand: "Person with the document",
    hint_in_hand: "One picture shows both",
    choose_one: "Choose the picture of the person who holds the document.",
    source_document: "Identity document",
    source_photograph: "Trusted photograph",
    target_title: "Person to check",
    hint_document: "Passport, driving licence or identity card",
    hint_photograph: "One person",
    hint_target: "A photograph of the person",
    invite: "Choose a picture, drop it or paste it here",
    choose: "Choose",
    camera: "Camera",
    compare: "Compare",
    similarity: "Similarity",
    limit: "Limit",
    limit_80: "lets through 1 stranger in 1,000",
    limit_99: "1 in 10,000: for identity checks",
    download: "Save the picture with the result",
    developers: "For developers: the request and the answer",
    threshold: "threshold",
    the_answer: "The answer",
    try: "Try these",
    note:
      "The documents are drawn, of a state that does not exist, around two photographs in the public domain: Eileen Collins (NASA) and Grace Hopper (US Navy). “The holder” is another picture made of the same photograph.",
    shoot: "Take the picture",
    cancel: "Cancel",
    choose_two: "Choose two pictures, or try one of the samples below.",
    choose_other: "Choose the other picture.",
    choose_first: (title) => `Choose a picture first: ${title}.`,
    ready: "Ready to compare.",
    preparing: "Reading the picture…",
    comparing: "Comparing…",
    loading: "Loading the sample…",
    answered: (seconds, verdict) => `Answered in ${seconds} s: ${verdict}.`,
    not_compared: (why) => `Not compared. ${why}`,
    match: "Same person",
    review: "A person should look",
    no_match: "Not the same person",
    match_80: "Above 80. At 99, the limit for identity checks, a person should look.",
    match_99: "Above 99, the limit for identity checks.",
    review_text: "Above 80, but below 99, the limit for identity checks.",
    no_match_text: (limit) => `Below ${limit}, the limit.`,
    above_text: (limit) => `At or above ${limit}, the limit.`,
    refused: "These pictures cannot be compared",
    several: (count, title) => `${title}: ${count} faces. The marked one was compared; choose another one by its frame.`,
    compare_this: (number) => `Compare face ${number} instead`,
    faces: (count) => (count === 1 ? "1 face" : `${count} faces`),
    as_photograph: "The trusted picture is a photograph: compare the faces",
    unanswered: "The local stack does not answer. Is it still running? Start it with: face-validation local --background",
    no_camera: "No camera can be used here. Allow it in the browser, or choose a file.",
    camera_document: "Hold the document inside the frame",
    camera_person: "Look at the camera",
    too_large: "The pictures are too large.",
    labels: { "Driving License": "Driving licence or identity card", Passport: "Passport" },
    samples: {
      "passport-match": "Passport, its holder",
      "passport-no-match": "Passport, someone else",
      "licence-match": "Driving licence, its holder",
      "held-match": "Holder with the passport",
      "faces-match": "Two pictures, one person",
      "faces-no-match": "Two pictures, two people",
      "no-document": "No document in the picture",
    },
  },
  es: {
    navigation: "Páginas",
    compare_page: "Comparar",
    language: "Idioma",
    title: "¿Es la misma persona?",
    lead: "Una imagen de referencia y la persona que se comprueba. Ambas se quedan en este equipo y se borran tras la respuesta.",
    trusted_is: "La imagen de referencia es",
    a_document: "un documento de identidad",
    a_photograph: "una fotografía",
    in_hand: "un documento en la mano de la persona",
    target_in_hand: "Persona con el documento",
    hint_in_hand: "Una imagen muestra ambos",
    choose_one: "Elija la imagen de la persona que sostiene el documento.",
    source_document: "Documento de identidad",
    source_photograph: "Fotografía de referencia",
    target_title: "Persona que se comprueba",
    hint_document: "Pasaporte, permiso de conducir o carné",
    hint_photograph: "Una sola persona",
    hint_target: "Una fotografía de la persona",
    invite: "Elija una imagen, suéltela o péguela aquí",
    choose: "Elegir",
    camera: "Cámara",
    compare: "Comparar",
    similarity: "Similitud",
    limit: "Límite",
    limit_80: "deja pasar a 1 desconocido de cada 1.000",
    limit_99: "1 de cada 10.000: para verificar identidades",
    download: "Guardar la imagen con el resultado",
    developers: "Para desarrolladores: la petición y la respuesta",
    threshold: "umbral",
    the_answer: "La respuesta",
    try: "Pruebe con estas",
    note:
      "Los documentos están dibujados, de un estado que no existe, alrededor de dos fotografías de dominio público: Eileen Collins (NASA) y Grace Hopper (Marina de EE. UU.). «Su titular» es otra imagen hecha de la misma fotografía.",
    shoot: "Tomar la foto",
    cancel: "Cancelar",
    choose_two: "Elija dos imágenes o pruebe una de las muestras de abajo.",
    choose_other: "Elija la otra imagen.",
    choose_first: (title) => `Elija primero una imagen: ${title}.`,
    ready: "Listo para comparar.",
    preparing: "Leyendo la imagen…",
    comparing: "Comparando…",
    loading: "Cargando la muestra…",
    answered: (seconds, verdict) => `Respuesta en ${seconds} s: ${verdict}.`,
    not_compared: (why) => `Sin comparar. ${why}`,
    match: "Es la misma persona",
    review: "Debe mirarlo una persona",
    no_match: "No es la misma persona",
    match_80: "Por encima de 80. En 99, el límite para verificar identidades, debe mirarlo una persona.",
    match_99: "Por encima de 99, el límite para verificar identidades.",
    review_text: "Por encima de 80, pero por debajo de 99, el límite para verificar identidades.",
    no_match_text: (limit) => `Por debajo de ${limit}, el límite.`,
    above_text: (limit) => `Igual o por encima de ${limit}, el límite.`,
    refused: "Estas imágenes no se pueden comparar",
    several: (count, title) => `${title}: ${count} caras. Se comparó la marcada; elija otra por su marco.`,
    compare_this: (number) => `Comparar la cara ${number}`,
    faces: (count) => (count === 1 ? "1 cara" : `${count} caras`),
    as_photograph: "La imagen de referencia es una fotografía: comparar las caras",
    unanswered: "El servicio local no responde. ¿Sigue en marcha? Inícielo con: face-validation local --background",
    no_camera: "No se puede usar ninguna cámara. Permítala en el navegador o elija un archivo.",
    camera_document: "Ponga el documento dentro del marco",
    camera_person: "Mire a la cámara",
    too_large: "Las imágenes son demasiado grandes.",
    labels: { "Driving License": "Permiso de conducir o carné de identidad", Passport: "Pasaporte" },
    samples: {
      "passport-match": "Pasaporte y su titular",
      "passport-no-match": "Pasaporte y otra persona",
      "licence-match": "Permiso de conducir y su titular",
      "held-match": "Titular con el pasaporte",
      "faces-match": "Dos imágenes, una persona",
      "faces-no-match": "Dos imágenes, dos personas",
      "no-document": "Sin documento en la imagen",
    },
  },
};

const STORED = "twin.language";

function preferred() {
  const stored = localStorage.getItem(STORED);
  if (stored in WORDS) return stored;
  return navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in WORDS) ?? "en";
}

let language = preferred();
let listener = () => {};

export const words = () => WORDS[language];
export const currentLanguage = () => language;

// Write the words of the language into the page; `changed` is told each time, to write what it wrote itself again.
export function speak(changed) {
  listener = changed;
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
