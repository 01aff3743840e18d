/** Colour arithmetic for the tests of the palette. */

/** Linear or gamma-encoded red, green and blue, from 0 to 1. */
export type Rgb = readonly [red: number, green: number, blue: number];
type Lab = readonly [lightness: number, a: number, b: number];

/** Reads `#rrggbb`. */
export function parseHex(hex: string): Rgb {
  const digits = /^#([0-9a-f]{6})$/iu.exec(hex)?.[1];
  if (digits === undefined) throw new TypeError(`expected #rrggbb, got ${JSON.stringify(hex)}`);
  const part = (at: number): number => Number.parseInt(digits.slice(at, at + 2), 16) / 255;
  return [part(0), part(2), part(4)];
}

/** sRGB's transfer function, IEC 61966-2-1. */
function linear(rgb: Rgb): Rgb {
  return rgb.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)) as never;
}

function encoded(rgb: Rgb): Rgb {
  return rgb.map((value) => {
    const held = Math.min(1, Math.max(0, value));
    return held <= 0.0031308 ? held * 12.92 : 1.055 * held ** (1 / 2.4) - 0.055;
  }) as never;
}

/** WCAG 2's contrast ratio, from 1 to 21. */
export function contrast(one: Rgb, other: Rgb): number {
  const luminance = (rgb: Rgb): number => {
    const [red, green, blue] = linear(rgb);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high = 0, low = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/**
 * What a person without green cones sees: Machado, Oliveira & Fernandes, "A Physiologically-based Model for Simulation of Color
 * Vision Deficiency", IEEE TVCG 15 (2009), deuteranomaly of severity 1.0.
 */
export function deuteranopia(rgb: Rgb): Rgb {
  const [red, green, blue] = linear(rgb);
  return encoded([
    0.367322 * red + 0.860646 * green - 0.227968 * blue,
    0.280085 * red + 0.672501 * green + 0.047413 * blue,
    -0.01182 * red + 0.04294 * green + 0.968881 * blue,
  ]);
}

/** CIE Lab of an sRGB colour, D65. */
function lab(rgb: Rgb): Lab {
  const [red, green, blue] = linear(rgb);
  const f = (value: number): number =>
    value > 216 / 24389 ? Math.cbrt(value) : ((24389 / 27) * value + 16) / 116;
  const x = f((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047);
  const y = f(0.2126729 * red + 0.7151522 * green + 0.072175 * blue);
  const z = f((0.0193339 * red + 0.119192 * green + 0.9503041 * blue) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** How different two colours look: CIEDE2000 of two sRGB colours. */
export function difference(one: Rgb, other: Rgb): number {
  return ciede2000(lab(one), lab(other));
}

/**
 * The formula as Sharma, Wu & Dalal write it, "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test
 * Data, and Mathematical Observations", Color Research & Application 30 (2005).
 */
export function ciede2000([l1, a1, b1]: Lab, [l2, a2, b2]: Lab): number {
  const chroma7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 0.5 * (1 - Math.sqrt(chroma7 / (chroma7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (a: number, b: number): number =>
    a === 0 && b === 0 ? 0 : (degrees(Math.atan2(b, a)) + 360) % 360;
  const [h1, h2] = [hue(p1, b1), hue(p2, b2)];

  const isGrey = c1 * c2 === 0;
  let turn = isGrey ? 0 : h2 - h1;
  if (turn > 180) turn -= 360;
  else if (turn < -180) turn += 360;
  const dl = l2 - l1;
  const dc = c2 - c1;
  const dh = 2 * Math.sqrt(c1 * c2) * sine(turn / 2);

  const l = (l1 + l2) / 2;
  const c = (c1 + c2) / 2;
  let h = h1 + h2;
  if (!isGrey) {
    if (Math.abs(h1 - h2) <= 180) h /= 2;
    else h = h < 360 ? (h + 360) / 2 : (h - 360) / 2;
  }
  const t =
    1 - 0.17 * cosine(h - 30) + 0.24 * cosine(2 * h) + 0.32 * cosine(3 * h + 6) - 0.2 * cosine(4 * h - 63);
  const c7 = c ** 7;
  const rotation = -sine(60 * Math.exp(-(((h - 275) / 25) ** 2))) * 2 * Math.sqrt(c7 / (c7 + 25 ** 7));
  const sl = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * (dc / sc) * (dh / sh));
}

function degrees(radians: number): number {
  return (radians * 180) / Math.PI;
}

function sine(angle: number): number {
  return Math.sin((angle * Math.PI) / 180);
}

function cosine(angle: number): number {
  return Math.cos((angle * Math.PI) / 180);
}
