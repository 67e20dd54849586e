// Draws the charts of a page from the data it carries. Without it, or where it fails, the page's tables say the same.
const data = JSON.parse(document.getElementById("charts-data").textContent);
const NARROW = 560;
const SERIES = 8;

// Plotly reads a little HTML in every text, links too: names are data and must stay text.
const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
const short = (text, most = 22) => { const signs = [...text]; return plain(signs.length > most ? `${signs.slice(0, most - 1).join("")}…` : text); };
const said = (name, text) => `<b>${plain(name)}</b><br>${plain(text)}`;

// The colours of the page's theme, as the browser resolves them.
function colour(name) {
  const probe = document.createElement("span");
  probe.className = `chart-colour chart-colour--${name}`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function layout(box, more) {
  const line = colour("line");
  const axis = { gridcolor: line, zeroline: false, linecolor: line, automargin: true, fixedrange: matchMedia("(pointer: coarse)").matches };
  const clear = "rgba(0,0,0,0)";
  return {
    height: box.clientHeight, width: box.clientWidth, margin: { l: 8, r: 12, t: 12, b: 8, pad: 4 }, showlegend: false,
    paper_bgcolor: clear, plot_bgcolor: clear, font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") },
    hoverlabel: { bgcolor: colour("surface"), bordercolor: line, font: { color: colour("ink") }, align: "left" },
    ...more, xaxis: { ...axis, ...more.xaxis }, yaxis: { ...axis, ...more.yaxis },
  };
}

const places = (names) => ({ tickmode: "array", tickvals: names.map((_, place) => place), ticktext: names.map((name) => short(name)) });
const ends = (rows, value) => ({
  type: "data", symmetric: false, thickness: 1.5, width: 3,
  array: rows.map((row) => (row.high === null ? 0 : row.high - row[value])),
  arrayminus: rows.map((row) => (row.low === null ? 0 : row[value] - row.low)),
});

// Round prices on a logarithmic axis, written in full.
function prices(there) {
  const [low, high] = [Math.floor(Math.log10(Math.min(...there))), Math.ceil(Math.log10(Math.max(...there)))];
  const steps = high - low < 4 ? [1, 2, 5] : [1];
  const values = Array.from({ length: high - low + 1 }, (_, power) => steps.map((step) => Number(`${step}e${low + power}`))).flat();
  return { tickmode: "array", tickvals: values, ticktext: values.map(String) };
}

const draw = {
  ratings(box) {
    const rows = data.ratings;
    const trace = {
      type: "scatter", mode: "markers", x: rows.map((row) => row.value), y: rows.map((_, place) => place), marker: { size: 9, color: colour("accent") },
      error_x: { ...ends(rows, "value"), color: colour("accent") }, hoverinfo: "text", hovertext: rows.map((row) => said(row.name, row.text)),
    };
    const names = rows.map((row) => row.name);
    return [[trace], layout(box, { xaxis: { title: { text: plain(data.words.rating) } }, yaxis: { ...places(names), range: [rows.length - 0.5, -0.5], showgrid: false } })];
  },

  price(box) {
    const logs = data.price.points.map((point) => Math.log10(point.x));
    const middle = (Math.min(...logs) + 2 * Math.max(...logs)) / 3;
    const marks = (best) => {
      const rows = data.price.points.filter((point) => point.best === best);
      return {
        type: "scatter", mode: best ? "markers+text" : "markers", name: plain(best ? data.words.line : data.words.others), x: rows.map((row) => row.x), y: rows.map((row) => row.y),
        marker: { size: best ? 11 : 8, symbol: best ? "circle" : "circle-open", color: colour(best ? "accent" : "muted") },
        error_y: { ...ends(rows, "y"), color: colour(best ? "accent" : "muted") },
        text: best ? rows.map((row) => short(row.name)) : undefined, textposition: rows.map((row) => (Math.log10(row.x) > middle ? "top left" : "top right")), cliponaxis: false, hoverinfo: "text",
        hovertext: rows.map((row) => said(row.name, `${row.x} · ${row.y.toFixed(2)}`)),
      };
    };
    // what the last price buys stays the best for more
    const dearest = Math.max(...data.price.points.map((point) => point.x));
    const line = [...data.price.line, ...data.price.line.slice(-1).map(([, quality]) => [dearest, quality])];
    const steps = { type: "scatter", mode: "lines", line: { shape: "hv", color: colour("accent"), width: 2 }, x: line.map(([x]) => x), y: line.map(([, y]) => y), hoverinfo: "skip", showlegend: false };
    const legend = { orientation: "h", x: 0, y: 1.12 };
    return [[steps, marks(false), marks(true)], layout(box, {
      showlegend: true, legend, margin: { l: 8, r: 40, t: 40, b: 8, pad: 4 },
      xaxis: { type: "log", title: { text: plain(data.words.price) }, ...prices(data.price.points.map((point) => point.x)) }, yaxis: { title: { text: plain(data.words.rating) } },
    })];
  },

  radar(box) {
    const { categories, models } = data.radar;
    const angles = categories.map((_, place) => (360 * place) / categories.length);
    const closed = (values) => [...values, values[0]];
    const traces = models.map((model, place) => ({
      type: "scatterpolar", mode: "lines+markers", name: short(model.name), r: closed(model.values), theta: closed(angles), connectgaps: false,
      line: { color: colour(place % SERIES), dash: place < SERIES / 2 ? "solid" : "dot" }, marker: { color: colour(place % SERIES), size: 7, symbol: place },
      hoverinfo: "text", hovertext: closed(model.texts.map((text, corner) => said(`${model.name} · ${categories[corner]}`, text || data.words.blank))),
    }));
    const values = models.flatMap((model) => model.values.filter((value) => value !== null));
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = (high - low) * 0.08 || 1;
    const line = colour("line");
    const most = box.clientWidth < NARROW ? 10 : 20;
    const angular = { tickmode: "array", tickvals: angles, ticktext: categories.map((name) => short(name, most)), gridcolor: line, linecolor: line, direction: "clockwise", rotation: 90 };
    return [traces, layout(box, {
      showlegend: true, legend: { orientation: "h", x: 0, y: -0.12 }, margin: { l: 70, r: 70, t: 36, b: 24 },
      polar: { bgcolor: "rgba(0,0,0,0)", radialaxis: { range: [low - room, high + room], gridcolor: line, linecolor: line, angle: 90, tickangle: 90, nticks: 5 }, angularaxis: angular },
    })];
  },

  heat(box) {
    const { categories, models } = data.heat;
    const trace = {
      type: "heatmap", z: models.map((model) => model.values), xgap: 2, ygap: 2, colorscale: [[0, colour("pale")], [1, colour("accent")]], hoverongaps: false,
      hoverinfo: "text", hovertext: models.map((model) => model.texts.map((text, place) => said(`${model.name} · ${categories[place]}`, text || data.words.blank))),
      colorbar: { thickness: 10, outlinewidth: 0, title: { text: plain(data.words.rating), side: "right" } }, showscale: box.clientWidth >= NARROW,
    };
    const names = models.map((model) => model.name);
    return [[trace], layout(box, {
      xaxis: { ...places(categories), side: "top", showgrid: false, tickangle: -40 },
      yaxis: { ...places(names), range: [models.length - 0.5, -0.5], showgrid: false },
    })];
  },
};

async function show(box) {
  box.classList.add("is-drawn");
  const [traces, form] = draw[box.dataset.chart](box);
  await Plotly.react(box, traces, form, { displayModeBar: false, showTips: false });
  for (const drawn of document.querySelectorAll(`[data-drawn="${box.dataset.chart}"]`)) drawn.classList.add("is-replaced");
  box.dataset.ready = "";
}

const boxes = [...document.querySelectorAll("[data-chart]")];
const showAll = () => Promise.all(boxes.map(show));
let waiting = 0;
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return; // a phone's address bar comes and goes
  width = innerWidth;
  clearTimeout(waiting);
  waiting = setTimeout(showAll, 150);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
showAll();
