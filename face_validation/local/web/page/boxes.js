// Frames around what was seen. Places are ratios of the picture, and may reach past its edges.

export function box(place, kind, name = "span") {
  const clip = (value) => Math.min(1, Math.max(0, value));
  const [left, top] = [clip(place.left), clip(place.top)];
  const element = document.createElement(name);
  element.className = `box ${kind}`;
  element.style.left = `${left * 100}%`;
  element.style.top = `${top * 100}%`;
  element.style.width = `${(clip(place.left + place.width) - left) * 100}%`;
  element.style.height = `${(clip(place.top + place.height) - top) * 100}%`;
  return element;
}

// Which face's frame is nearest to a place.
export function nearest(faces, box) {
  const distance = (other) => Math.hypot(other.left + other.width / 2 - box.left - box.width / 2, other.top + other.height / 2 - box.top - box.height / 2);
  return faces.reduce((best, face, index) => (distance(face.box) < distance(faces[best].box) ? index : best), 0);
}

// A box of a part, in ratios of the whole picture.
export const inWhole = (box, area) => ({
  left: area.left + box.left * area.width,
  top: area.top + box.top * area.height,
  width: box.width * area.width,
  height: box.height * area.height,
});
