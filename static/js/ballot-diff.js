// The words that only one of two answers has, marked in their source text. Chinese and Japanese count by character.
const MOST = 16_000_000; // cells of the table: about 4,000 words against 4,000
const WORDS = /(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{M}\p{N}_])+\s*|.\s*/gsu;

export function onlyIn(one, other) {
  // For each word, whether it is outside the longest common run of words; null when the texts are too long to compare.
  const [a, b] = [one, other].map((words) => words.map((word) => word.trim()));
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [rows, columns] = [a.length - start - end, b.length - start - end];
  if (rows * columns > MOST || Math.min(rows, columns) > 65_000) return null;
  const width = columns + 1;
  const common = new Uint16Array((rows + 1) * width);
  for (let i = rows - 1; i >= 0; i--)
    for (let j = columns - 1; j >= 0; j--)
      common[i * width + j] = a[start + i] === b[start + j]
        ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
  const marks = [new Array(a.length).fill(false), new Array(b.length).fill(false)];
  let [i, j] = [0, 0];
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[start + i] === b[start + j]) [i, j] = [i + 1, j + 1];
    else if (j >= columns || (i < rows && common[(i + 1) * width + j] >= common[i * width + j + 1])) marks[0][start + i++] = true;
    else marks[1][start + j++] = true;
  }
  return marks;
}

function write(element, words, differs) {
  const parts = [];
  for (let at = 0; at < words.length; ) {
    const from = at;
    while (at < words.length && differs[at] === differs[from]) at++;
    const text = words.slice(from, at).join("");
    if (!differs[from]) {
      parts.push(text);
      continue;
    }
    const mark = document.createElement("mark");
    mark.textContent = text.trimEnd();
    parts.push(mark, text.slice(mark.textContent.length));
  }
  element.replaceChildren(...parts);
}

export function markDifferences(ballot) {
  // Whether every turn could be compared.
  const [first, second] = [...ballot.querySelectorAll("[data-pane]")].map((pane) => [...pane.querySelectorAll("[data-raw]")]);
  let all = true;
  for (let turn = 0; turn < Math.max(first.length, second?.length ?? 0); turn++) {
    const sides = [first[turn], second?.[turn]];
    const words = sides.map((side) => side?.textContent.match(WORDS) ?? []);
    const marks = onlyIn(...words);
    all &&= marks !== null;
    sides.forEach((side, at) => side && marks && write(side, words[at], marks[at]));
  }
  return all;
}
