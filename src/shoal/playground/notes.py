"""What the page says of its data, in the languages of the page: one table of sentences."""

from collections.abc import Iterable
from typing import NamedTuple

LANGUAGES = ("en", "it")
SENTENCES = {
    # name: English, Italian
    "rows": (
        "The page has {n:,} of the {m:,} rows, drawn at random.",
        "La pagina ha {n} delle {m} righe, estratte a caso.",
    ),
    "inputs": (
        "It has {n} of the {n_x:,} inputs, those with the largest {criterion}.",
        "Ha {n} dei {n_x} ingressi, quelli con {criterion} più grande.",
    ),
    "plane": (
        (
            "The plane shows {first} and {second}, which tell most of the target ({criterion} "
            "{share_1:.2f} and {share_2:.2f}); the sliders hold the other inputs, at first at "
            "their median or their most frequent level."
        ),
        (
            "Il piano mostra {first} e {second}, che dicono di più sull'obiettivo ({criterion} "
            "{share_1:.2f} e {share_2:.2f}); i cursori fissano gli altri ingressi, all'inizio alla "
            "mediana o al livello più frequente."
        ),
    ),
    "scaled": (
        (
            "The inputs are scaled: (value − mean) / standard deviation; of what is 0 or 1 only "
            "the mean is taken off."
        ),
        (
            "Gli ingressi sono scalati: (valore − media) / deviazione standard; a ciò che è 0 o 1 "
            "si toglie solo la media."
        ),
    ),
    "as they are": ("The inputs are not scaled.", "Gli ingressi non sono scalati."),
    "target": (
        "The target is scaled: ({name} − {center:.4g}) / {scale:.4g}.",
        "L'obiettivo è scalato: ({name} − {center:.4g}) / {scale:.4g}.",
    ),
    "held out": (
        "One row in {one_in}, drawn at random, is held out from training.",
        "Una riga su {one_in}, estratta a caso, è tenuta fuori dall'addestramento.",
    ),
    "stand-ins": (
        (
            "A model keeps no rows: these are stand-ins, each column drawn for itself from what "
            "the model knows of it, with the model's own answers as targets."
        ),
        (
            "Un modello non conserva le righe: queste sono controfigure, ogni colonna estratta per "
            "conto suo da ciò che il modello ne sa, con le risposte del modello come obiettivi."
        ),
    ),
    "rows of a model": (
        "Which rows the model has learnt from is not known, so none is held out.",
        "Non si sa da quali righe il modello ha imparato, quindi nessuna è tenuta fuori.",
    ),
}


class Note(NamedTuple):
    """A sentence of the table, and what stands in it."""

    sentence: str
    values: dict[str, object]


def note(sentence: str, **values: object) -> Note:
    """A sentence of the table with its values."""
    return Note(sentence, values)


def in_words(notes: Iterable[Note], language: str) -> str:
    """The notes as a text."""
    at = LANGUAGES.index(language)
    return " ".join(SENTENCES[sentence][at].format(**values) for sentence, values in notes)
