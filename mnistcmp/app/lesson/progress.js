// How far the lesson is. With another step the page goes back to its top, and a screen reader
// begins there.

export default function ({ parentElement, data }) {
  const line = parentElement.querySelector("p");
  const before = line.textContent;
  line.textContent = data.text;
  if (before && before !== data.text) {
    line.focus({ preventScroll: true });
    line.scrollIntoView();
  }
}
