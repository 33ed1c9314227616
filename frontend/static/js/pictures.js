// Pictures in the browser: what shape they have, smaller copies of them, and parts.

const COPY_SIDE = 640; // pixels; more than any encoder looks at
const SENT_SIDE = 1280;

/** The class of a picture's shape, as the server gives it: its width in twentieths of its height. */
export const shapeOf = (width, height) => `r${Math.min(44, Math.max(14, Math.round((20 * width) / height)))}`;

/** The decoded picture; null for what this browser cannot show. */
export async function decoded(url) {
  const picture = new Image();
  picture.src = url;
  try {
    await picture.decode();
    return picture;
  } catch {
    return null;
  }
}

/** A part of a picture (in percent), drawn in at most `side` pixels. */
function drawn(picture, side, part = { left: 0, top: 0, width: 100, height: 100 }) {
  const [wide, high] = [picture.naturalWidth / 100, picture.naturalHeight / 100];
  const source = [part.left * wide, part.top * high, part.width * wide, part.height * high];
  const scale = Math.min(1, side / Math.max(source[2], source[3]));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(source[2] * scale));
  canvas.height = Math.max(1, Math.round(source[3] * scale));
  canvas.getContext("2d").drawImage(picture, ...source, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A small copy as a text, for the history. */
export const smallCopy = (picture) => drawn(picture, COPY_SIDE).toDataURL("image/jpeg", 0.85);

/** A file of a part of the picture; of all of it without one. */
export function cut(picture, part) {
  return new Promise((resolve) => { drawn(picture, SENT_SIDE, part).toBlob(resolve, "image/jpeg", 0.92); });
}

/** The file in a data: URL. (The page's policy lets no fetch() read one.) */
export function fromText(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  return new File([bytes], "picture.jpg", { type: "image/jpeg" });
}
