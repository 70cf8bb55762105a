/**
 * The lessons, one for each topic of the course's week: what is set up, a prediction to make first,
 * a task, and the checks that know whether it was done. Texts are English, Italian.
 */

import { BLOCKS, initialize, matrix } from "./engine.js";
import { pointsOf } from "./points.js";
import { RandomState } from "./random.js";
import { initialSettings } from "./settings.js";

/**
 * @typedef {readonly [string, string]} Text
 * @typedef {import("./session.js").Session} Session
 *
 * @typedef {object} Lesson
 * @property {string} id
 * @property {Text} title
 * @property {Text} story
 * @property {import("./settings.js").Settings} settings
 * @property {() => Partial<{points: import("./points.js").Points, parameters: import("./engine.js").Parameters}>} [setup]
 * @property {{question: Text, answers: Text[], right: number}} predict
 * @property {{text: Text, done: (session: Session) => boolean}[]} tasks
 * @property {Text} moral
 */

const LN2 = Math.LN2;
const near = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ by) => Math.abs(a - b) <= by;

/** Three examples small enough to compute by hand: the exercise's RandomState(1). */
function threeExamples() {
  const random = new RandomState(1);
  const X = matrix(2, 3, random.randn(6));
  const Y = matrix(1, 3, Array.from(random.randn(3), (v) => (v > 0 ? 1 : 0)));
  return { points: pointsOf(X, Y), parameters: initialize(2, 4, 1, { random_state: 2, scale: 1 }) };
}

/** All weights equal. */
function equalWeights() {
  const parameters = initialize(2, 4, 1);
  parameters.W1.data.fill(0.5);
  parameters.W2.data.fill(0.5);
  return { parameters };
}

/** @type {Lesson[]} */
export const LESSONS = [
  {
    id: "representation",
    title: ["Representation", "Rappresentazione"],
    story: [
      "Inputs x on the left, hidden units a in the middle, the output ŷ on the right. Every line is a weight, every 1 carries a bias. Layer 1 has W1 and b1, layer 2 has W2 and b2.",
      "A sinistra gli ingressi x, in mezzo le unità nascoste a, a destra l'uscita ŷ. Ogni linea è un peso, ogni 1 porta un bias. Lo strato 1 ha W1 e b1, lo strato 2 ha W2 e b2.",
    ],
    settings: { n_h: 4, tab: "vectorised" },
    predict: {
      question: ["2 inputs, 4 hidden units, 1 output: how many numbers does it learn?", "2 ingressi, 4 unità nascoste, 1 uscita: quanti numeri impara?"],
      answers: [["12", "12"], ["17", "17"], ["24", "24"]],
      right: 1,
    },
    tasks: [
      { text: ["Make a network that learns exactly 9 numbers.", "Fai una rete che impara esattamente 9 numeri."], done: (s) => count(s) === 9 },
      { text: ["Now make one without a hidden layer.", "Ora fanne una senza strato nascosto."], done: (s) => s.n_h === 0 },
    ],
    moral: ["n_h (n_x + 1) + n_y (n_h + 1) numbers. With n_h = 0 it is logistic regression.", "n_h (n_x + 1) + n_y (n_h + 1) numeri. Con n_h = 0 è la regressione logistica."],
  },
  {
    id: "output",
    title: ["Computing the output", "Calcolare l'uscita"],
    story: [
      "Three examples, four operations: Z1 = W1 X + b1, A1 = g(Z1), Z2 = W2 A1 + b2, A2 = σ(Z2). Step through them and open a cell to see its sum.",
      "Tre esempi, quattro operazioni: Z1 = W1 X + b1, A1 = g(Z1), Z2 = W2 A1 + b2, A2 = σ(Z2). Vai un'operazione alla volta e apri una cella per vederne la somma.",
    ],
    settings: { step: "op", tab: "vectorised", scale: 1 },
    setup: threeExamples,
    predict: {
      question: ["W1 is (4, 2) and X is (2, 3). What shape has A1?", "W1 è (4, 2) e X è (2, 3). Che forma ha A1?"],
      answers: [["(4, 3)", "(4, 3)"], ["(2, 4)", "(2, 4)"], ["(3, 4)", "(3, 4)"]],
      right: 0,
    },
    tasks: [
      { text: ["Step one operation at a time up to A2.", "Avanza un'operazione alla volta fino ad A2."], done: (s) => s.facts.has("op:A2") },
      { text: ["Open a cell of Z1 and check its sum by hand.", "Apri una cella di Z1 e controlla la somma a mano."], done: (s) => s.facts.has("cell:Z1") },
    ],
    moral: ["One column per example, one row per unit; g changes no shape.", "Una colonna per esempio, una riga per unità; g non cambia la forma."],
  },
  {
    id: "vectorising",
    title: ["Vectorising", "Vettorizzare"],
    story: [
      "A loop over i = 1 … m computes each example on its own. Stacked as columns, one product W1 @ X does them all, and gives the same numbers.",
      "Un ciclo su i = 1 … m calcola ogni esempio per conto suo. Messi in colonna, un solo prodotto W1 @ X li fa tutti, con gli stessi numeri.",
    ],
    settings: { tab: "loop", scale: 1 },
    predict: {
      question: ["How many dot products w·x does the loop do for Z1, with m = 400 and 4 units?", "Quanti prodotti scalari w·x fa il ciclo per Z1, con m = 400 e 4 unità?"],
      answers: [["400", "400"], ["800", "800"], ["1,600", "1.600"]],
      right: 2,
    },
    tasks: [
      { text: ["Run the loop over all examples and compare.", "Esegui il ciclo su tutti gli esempi e confronta."], done: (s) => s.facts.has("looped") },
      { text: ["See the same numbers vectorised.", "Guarda gli stessi numeri in forma vettoriale."], done: (s) => s.settings.tab === "vectorised" },
    ],
    moral: ["m · n_h dot products, or one @: the sums are the same, to the last bit.", "m · n_h prodotti scalari, o un @: le somme sono le stesse, fino all'ultimo bit."],
  },
  {
    id: "activations",
    title: ["Activation functions", "Funzioni di attivazione"],
    story: [
      "ReLU is cheap and its slope is 1 on the right, but 0 on the left: a unit whose z is negative for every example learns no more. Eight ReLU units, large start, α = 2.",
      "ReLU costa poco e ha pendenza 1 a destra, ma 0 a sinistra: un'unità con z negativo per ogni esempio non impara più. Otto unità ReLU, inizio grande, α = 2.",
    ],
    settings: { n_h: 8, activation: "relu", scale: 1, learning_rate: 2, step: "1000" },
    predict: {
      question: ["After 2,000 iterations, how many of the 8 units are dead?", "Dopo 2.000 iterazioni, quante delle 8 unità sono morte?"],
      answers: [["none", "nessuna"], ["2", "2"], ["all 8", "tutte e 8"]],
      right: 1,
    },
    tasks: [
      { text: ["Train 2,000 iterations.", "Addestra 2.000 iterazioni."], done: (s) => s.state.activation === "relu" && s.state.iteration >= 2000 && dead(s) >= 1 },
      { text: ["Rewind, choose leaky ReLU, train 2,000 again.", "Riavvolgi, scegli leaky ReLU, addestra altre 2.000."], done: (s) => s.state.activation === "leaky_relu" && s.state.iteration >= 2000 && dead(s) === 0 },
    ],
    moral: ["Two of eight ReLU units die, and no leaky one: a slope of 0.01 is enough to come back.", "Due unità ReLU su otto muoiono, nessuna leaky: una pendenza di 0,01 basta per tornare."],
  },
  {
    id: "nonlinear",
    title: ["Why non-linear?", "Perché non lineare?"],
    story: [
      "With g(z) = z two layers are one: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2). However many units, the boundary stays a straight line.",
      "Con g(z) = z due strati sono uno: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2). Quante che siano le unità, il confine resta una retta.",
    ],
    settings: { activation: "identity", step: "1000" },
    predict: {
      question: ["Four linear units on the flower: what accuracy after 5,000 iterations?", "Quattro unità lineari sul fiore: quale accuratezza dopo 5.000 iterazioni?"],
      answers: [["90 %", "90 %"], ["67 %", "67 %"], ["47 %", "47 %"]],
      right: 2,
    },
    tasks: [
      { text: ["Train 5,000 iterations with the identity.", "Addestra 5.000 iterazioni con l'identità."], done: (s) => s.state.activation === "identity" && s.state.iteration >= 5000 && near(s.trace.J, 0.673146, 2e-6) },
      { text: ["Choose tanh and train until J is below 0.3.", "Scegli tanh e addestra finché J è sotto 0,3."], done: (s) => s.state.activation === "tanh" && s.trace.J < 0.3 },
    ],
    moral: ["J = 0.673146 and 47 %, for 1, 4 or 20 linear units: exactly logistic regression.", "J = 0,673146 e 47 %, con 1, 4 o 20 unità lineari: proprio la regressione logistica."],
  },
  {
    id: "derivatives",
    title: ["Derivatives", "Derivate"],
    story: [
      "Learning goes through g′. Where the curve is flat, g′ is nearly 0 and hardly any gradient passes: look where the points sit on each unit's curve.",
      "Imparare passa per g′. Dove la curva è piatta g′ è quasi 0 e quasi nessun gradiente passa: guarda dove stanno i punti sulla curva di ogni unità.",
    ],
    settings: { scale: 1, step: "1000" },
    predict: {
      question: ["Start with weights of scale 100 instead of 0.01: what is the mean g′ of tanh?", "Se i pesi iniziano con scala 100 invece di 0,01, quanto vale in media g′ di tanh?"],
      answers: [["about 1", "circa 1"], ["about 0.35", "circa 0,35"], ["below 0.01", "sotto 0,01"]],
      right: 2,
    },
    tasks: [
      { text: ["Start at scale 100 and see every unit saturated.", "Inizia con scala 100 e vedi ogni unità satura."], done: (s) => s.settings.scale >= 100 && s.trace.health.length > 0 && s.trace.health.every((u) => u.saturated) },
      { text: ["Train 5,000 iterations from there.", "Da lì addestra 5.000 iterazioni."], done: (s) => s.settings.scale >= 100 && s.state.iteration >= 5000 },
      { text: ["Now from scale 0.01: 5,000 iterations, J below 0.23.", "Ora dalla scala 0,01: 5.000 iterazioni, J sotto 0,23."], done: (s) => s.settings.scale <= 0.01 && s.state.iteration >= 5000 && s.trace.J < 0.23 },
    ],
    moral: ["Mean g′ 0.0074 leaves J at 0.598; mean g′ 0.9987 brings it to 0.223.", "Con g′ medio 0,0074 J resta a 0,598; con 0,9987 scende a 0,223."],
  },
  {
    id: "descent",
    title: ["Gradient descent", "Discesa del gradiente"],
    story: [
      "θ ← θ − α dθ, again and again. A step is safe while the sharpness λ of the cost is below 2/α. Watch λ climb while training goes on.",
      "θ ← θ − α dθ, ancora e ancora. Un passo è sicuro finché la curvatura λ del costo è sotto 2/α. Guarda λ salire durante l'addestramento.",
    ],
    settings: { step: "rise", curve: "sharpness", speed: "6000" },
    predict: {
      question: ["With α = 1.2, does J fall at every one of 10,000 iterations?", "Con α = 1,2, J scende a ognuna di 10.000 iterazioni?"],
      answers: [["yes", "sì"], ["no, it rises late, near the end", "no, sale tardi, verso la fine"], ["no, it rises within the first hundred", "no, sale entro le prime cento"]],
      right: 1,
    },
    tasks: [
      { text: ["Step until the cost rises.", "Avanza finché il costo sale."], done: (s) => s.facts.has("event:rise") },
      { text: ["Rewind, set α = 1, and reach 10,000 iterations.", "Riavvolgi, metti α = 1 e arriva a 10.000 iterazioni."], done: (s) => s.state.learning_rate <= 1 && s.state.iteration >= 10000 },
    ],
    moral: ["At about iteration 7,830 λ has passed 2/α = 1.667 and J rises: that is why every notebook prints other last lines.", "Verso l'iterazione 7.830 λ ha superato 2/α = 1,667 e J sale: per questo ogni quaderno stampa ultime righe diverse."],
  },
  {
    id: "backprop",
    title: ["Backpropagation", "Retropropagazione"],
    story: [
      "Backwards: dZ2 = A2 − Y, then dW2 and db2, then dZ1 = W2ᵀ dZ2 ∗ g′(Z1), then dW1 and db1. Beside each gradient stands the same slope measured by nudging the weight.",
      "All'indietro: dZ2 = A2 − Y, poi dW2 e db2, poi dZ1 = W2ᵀ dZ2 ∗ g′(Z1), poi dW1 e db1. Accanto a ogni gradiente c'è la stessa pendenza misurata spostando il peso.",
    ],
    settings: { step: "op", tab: "vectorised", scale: 1 },
    setup: threeExamples,
    predict: {
      question: ["In dZ1 = W2ᵀ dZ2 ∗ g′(Z1), which product is ∗?", "In dZ1 = W2ᵀ dZ2 ∗ g′(Z1), che prodotto è ∗?"],
      answers: [["entry by entry", "elemento per elemento"], ["the matrix product", "il prodotto di matrici"]],
      right: 0,
    },
    tasks: [
      { text: ["Step by operation through a whole iteration.", "Percorri un'intera iterazione, un'operazione alla volta."], done: (s) => s.facts.has("op:update") },
      { text: ["Open a cell of dZ1 and one of dW1, and see it agree with its difference.", "Apri una cella di dZ1 e una di dW1, e guarda che coincide con la differenza."], done: (s) => s.facts.has("cell:dZ1") && s.facts.has("cell:dW1") },
      { text: ["Step back by one operation.", "Torna indietro di un'operazione."], done: (s) => s.facts.has("back") },
    ],
    moral: ["@ sums over examples or units, ∗ sums over nothing. The chain rule, one operation at a time.", "@ somma su esempi o unità, ∗ non somma nulla. La regola della catena, un'operazione alla volta."],
  },
  {
    id: "initialization",
    title: ["Random initialization", "Inizializzazione casuale"],
    story: [
      "All weights start at 0. Then A1 = 0, so dW2 = 0; and W2 = 0, so dW1 = 0. Units that are equal stay equal: n_h units are one.",
      "Tutti i pesi partono da 0. Allora A1 = 0, quindi dW2 = 0; e W2 = 0, quindi dW1 = 0. Unità uguali restano uguali: n_h unità sono una.",
    ],
    settings: { scheme: "zeros", step: "1000" },
    predict: {
      question: ["From all zeros, what is J after 1,000 iterations?", "Da tutti zeri, quanto vale J dopo 1.000 iterazioni?"],
      answers: [["0.693147, as at the start", "0,693147, come all'inizio"], ["about 0.29", "circa 0,29"], ["it diverges", "diverge"]],
      right: 0,
    },
    tasks: [
      { text: ["Train 1,000 iterations from zeros.", "Addestra 1.000 iterazioni dagli zeri."], done: (s) => s.settings.scheme === "zeros" && s.state.iteration >= 1000 && near(s.trace.J, LN2, 1e-12) },
      { text: ["Change a single weight, train again, and see it learn: J below 0.68.", "Cambia un solo peso, addestra ancora e guardalo imparare: J sotto 0,68."], done: (s) => s.settings.scheme === "zeros" && s.facts.has("edited weights") && s.trace.J < 0.68 },
      { text: ["Choose a normal start of scale 0.01: J below 0.3.", "Scegli un inizio normale di scala 0,01: J sotto 0,3."], done: (s) => s.settings.scheme === "normal" && s.trace.J < 0.3 },
    ],
    moral: ["Random weights break the tie; small ones keep tanh steep. Biases may start at 0.", "I pesi casuali rompono la simmetria; se piccoli, tanh resta ripida. I bias possono partire da 0."],
  },
  {
    id: "hidden-size",
    title: ["Hidden layer size", "Quante unità nascoste"],
    story: [
      "Each unit is a line; the output weighs them. How many lines does the flower need? Runs are kept, so you can compare them.",
      "Ogni unità è una retta; l'uscita le pesa. Di quante rette ha bisogno il fiore? Le prove restano, così puoi confrontarle.",
    ],
    settings: { n_h: 1, step: "1000", curve: "runs" },
    predict: {
      question: ["Which is the smallest layer that passes 90 % on the flower?", "Qual è lo strato più piccolo che supera il 90 % sul fiore?"],
      answers: [["2 units", "2 unità"], ["3 units", "3 unità"], ["5 units", "5 unità"]],
      right: 1,
    },
    tasks: [
      { text: ["Train 1 unit for 5,000 iterations.", "Addestra 1 unità per 5.000 iterazioni."], done: (s) => ran(s, 1, 0.675) },
      { text: ["Then 2 units.", "Poi 2 unità."], done: (s) => ran(s, 2, 0.6725) },
      { text: ["Then 3 units.", "Poi 3 unità."], done: (s) => ran(s, 3, 0.9075) },
    ],
    moral: ["67.5 %, 67.25 %, 90.75 %; four give 90.5 %, five 91.25 %. More is not much better.", "67,5 %, 67,25 %, 90,75 %; quattro danno 90,5 %, cinque 91,25 %. Di più non è molto meglio."],
  },
  {
    id: "symmetry",
    title: ["Symmetry", "Simmetria"],
    story: [
      "All weights start at 0.5: four units that are one, each marked as the twin of another. Gradient descent cannot part them.",
      "Tutti i pesi partono da 0,5: quattro unità che sono una, ognuna segnata come gemella di un'altra. La discesa del gradiente non può separarle.",
    ],
    settings: { learning_rate: 0.5, step: "1000" },
    setup: equalWeights,
    predict: {
      question: ["Will the four units still be equal after 2,000 iterations?", "Dopo 2.000 iterazioni le quattro unità saranno ancora uguali?"],
      answers: [["yes, to the last bit", "sì, fino all'ultimo bit"], ["no, rounding parts them", "no, gli arrotondamenti le separano"]],
      right: 0,
    },
    tasks: [
      { text: ["Train 2,000 iterations: 65.5 %, all twins.", "Addestra 2.000 iterazioni: 65,5 %, tutte gemelle."], done: (s) => s.state.iteration >= 2000 && s.trace.health.length > 1 && s.trace.health.every((u) => u.twin >= 0) },
      { text: ["Make all rows of W1 differ, with small edits.", "Rendi diverse tutte le righe di W1, con piccole modifiche."], done: (s) => s.facts.has("edited weights") && s.trace.health.length > 1 && s.trace.health.every((u) => u.twin < 0) },
    ],
    moral: ["Equal units get equal gradients. Only a difference at the start can grow.", "Unità uguali ricevono gradienti uguali. Solo una differenza iniziale può crescere."],
  },
];

/** Numbers that the network learns. @param {Session} s */
export function count(s) {
  return BLOCKS.reduce((sum, block) => sum + s.state.parameters[block].data.length, 0);
}

/** @param {Session} s */
function dead(s) {
  return s.trace.health.filter((unit) => unit.dead).length;
}

/** Whether n_h units were trained for 5,000 iterations to an accuracy, now or in a run that is kept.
 * @param {Session} s @param {number} n_h @param {number} accuracy */
function ran(s, n_h, accuracy) {
  const now = { settings: { n_h: s.n_h }, iteration: s.state.iteration, accuracy: s.trace.accuracy };
  return [...s.runs, now].some(
    (run) => run.settings.n_h === n_h && run.iteration >= 5000 && near(run.accuracy, accuracy, 0.0101),
  );
}

/** What a lesson's settings are before a link or a person changes them. @param {string} id
 * @returns {import("./settings.js").Settings} */
export function baseSettings(id) {
  const lesson = LESSONS.find((one) => one.id === id);
  const own = lesson?.setup?.().points ? { data: "own" } : {};
  return { ...initialSettings(), ...lesson?.settings, ...own, lesson: lesson ? id : "" };
}

/** Begins with these settings, and with the data and weights of their lesson, of the link, or of
 * the host. @param {Session} session @param {import("./settings.js").Settings} settings
 * @param {import("./points.js").Points} [points] those of a link */
export function beginWith(session, settings, points) {
  const lesson = LESSONS.find((one) => one.id === settings.lesson);
  const made = lesson ? (lesson.setup?.() ?? {}) : session.host;
  session.pause();
  session.facts.clear();
  session.forgetRuns();
  session.settings = settings;
  session.ownPoints = points ?? made.points ?? null;
  if (settings.data === "own" && !session.ownPoints) settings.data = "flower";
  const sameSize = made.parameters?.W1.rows === settings.n_h || !lesson;
  session.begin(session.drawn(), settings.data === "own" || lesson?.setup ? (sameSize ? made.parameters : undefined) : undefined);
}
