// Smallest contrast between text and ground, by selector, as WCAG 2.2 defines it (1.4.3).
(root, names) => {
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const rgba = (text) => { // rgb(255 0 0), rgba(…) or color(srgb 1 0 0 / 1)
    const [r, g, b, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return text.startsWith("color(") ? [255 * r, 255 * g, 255 * b, alpha] : [r, g, b, alpha];
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = rgba(getComputedStyle(node).backgroundColor);
      if (color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const smallest = {};
  for (const name of names) {
    for (const node of root.querySelectorAll(name)) {
      if (!node.checkVisibility()) continue;
      const [light, dark] = [rgba(getComputedStyle(node).color), ground(node)].map(luminance).sort((a, b) => b - a);
      smallest[name] = Math.min(smallest[name] ?? 99, (light + 0.05) / (dark + 0.05));
    }
  }
  return smallest;
}
