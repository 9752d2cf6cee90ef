"""Items of guidelines for reports of studies, by number and in our own words, and which of them a run's record can fill.

CLAIM (Mongan, Moy and Kahn 2020; 42 items), TRIPOD+AI (Collins et al. 2024; 27 items) and STARD (Bossuyt et al. 2015; 30 items,
which STARD-AI, Sounderajah et al. 2025, extends for artificial intelligence; what it adds has its name instead of a number).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# keys of what a record can say; None: it is for the author
DATA, SPLIT, GROUPS, PREPROCESSING, MODEL, WEIGHTS, SOFTWARE, TRAINING, SELECTION = (
    "data", "split", "groups", "preprocessing", "model", "weights", "software", "training", "selection",
)  # fmt: skip
METRICS, INTERVALS, RESULTS, ERRORS, IMBALANCE, UNREADABLE, CODE, THRESHOLD = (
    "metrics", "intervals", "results", "errors", "imbalance", "unreadable", "code", "threshold",
)  # fmt: skip


class Item(NamedTuple):
    """An item: its number, what is to be said, and the key of what the record says of it."""

    number: str
    asks: str
    key: str | None = None


# fmt: off
CLAIM = (
    Item("1", "Title: that it is a study of artificial intelligence, and of which kind"),
    Item("2", "Structured summary of design, methods, results and conclusions"),
    Item("3", "Scientific and clinical background; intended use"),
    Item("4", "Aims and hypotheses"),
    Item("5", "Prospective or retrospective"),
    Item("6", "Goal of the study, such as feasibility or non-inferiority"),
    Item("7", "Where the data come from", DATA),
    Item("8", "Who was included and excluded, where and when"),
    Item("9", "Steps before the network: resizing, normalisation, augmentation", PREPROCESSING),
    Item("10", "Which parts of the data were chosen, such as series or regions"),
    Item("11", "Definitions of the data elements"),
    Item("12", "How patients were made anonymous"),
    Item("13", "What was done about missing data", UNREADABLE),
    Item("14", "Reference standard: what counts as the truth"),
    Item("15", "Why this reference standard"),
    Item("16", "Who made the labels, with which training"),
    Item("17", "Tools for labelling"),
    Item("18", "Agreement of those who labelled"),
    Item("19", "Number of images and how it was decided", DATA),
    Item("20", "How the data were divided into training, validation and test", SPLIT),
    Item("21", "At which level the parts are disjoint: image, patient, place", GROUPS),
    Item("22", "The network in detail: inputs, outputs, layers", MODEL),
    Item("23", "Software with versions", SOFTWARE),
    Item("24", "First values of the weights", WEIGHTS),
    Item("25", "Training: augmentation, optimizer, rates, epochs, loss", TRAINING),
    Item("26", "How the final model was chosen", SELECTION),
    Item("27", "Ensembles, if any"),
    Item("28", "Measures of performance", METRICS),
    Item("29", "Uncertainty and significance", INTERVALS),
    Item("30", "Robustness and sensitivity"),
    Item("31", "Explanation of predictions, such as heat maps"),
    Item("32", "Testing on data from elsewhere"),
    Item("33", "Flow of participants or images", UNREADABLE),
    Item("34", "Age, sex and other characteristics in each part"),
    Item("35", "Performance in each part", RESULTS),
    Item("36", "Accuracy with its precision", INTERVALS),
    Item("37", "Which images were wrong, and why", ERRORS),
    Item("38", "Limitations"),
    Item("39", "What it means for practice"),
    Item("40", "Registration number"),
    Item("41", "Where protocol, code and data are", CODE),
    Item("42", "Funding and its role"),
)
TRIPOD_AI = (
    Item("1", "Title: developing or evaluating a prediction model, of whom and for what"),
    Item("2", "Structured summary (its own list of items)"),
    Item("3", "Context, target population, intended use, known inequalities in health"),
    Item("4", "Aims: development, evaluation or both"),
    Item("5", "Sources of the data, and their dates", DATA),
    Item("6", "Setting, who was eligible, treatments"),
    Item("7", "Preparation of the data and quality checks", PREPROCESSING),
    Item("8", "Outcome: what is predicted, how and by whom it was determined"),
    Item("9", "Predictors: here the images, and how they were taken"),
    Item("10", "How the size of the study was decided", DATA),
    Item("11", "Missing data", UNREADABLE),
    Item("12", "Methods: division of the data, kind of model, training, choice of settings, measures", TRAINING),
    Item("13", "What was done about classes of different sizes", IMBALANCE),
    Item("14", "Fairness: what was done about it"),
    Item("15", "What the model gives, and thresholds", THRESHOLD),
    Item("16", "Differences between the data of development and of evaluation", SPLIT),
    Item("17", "Ethics"),
    Item("18", "Funding, conflicts, protocol, registration, data and code", CODE),
    Item("19", "Involvement of patients and the public"),
    Item("20", "Flow and characteristics of participants", UNREADABLE),
    Item("21", "Number of participants and outcomes in each analysis", RESULTS),
    Item("22", "The model itself, so that it can be used by others", MODEL),
    Item("23", "Performance with intervals, also in subgroups", INTERVALS),
    Item("24", "Updates of the model, if any"),
    Item("25", "Interpretation, with fairness, in the light of other studies"),
    Item("26", "Limitations"),
    Item("27", "How it is to be used, with poor input, and next steps"),
)
STARD = (
    Item("1", "Title: a study of diagnostic accuracy"),
    Item("2", "Structured summary"),
    Item("3", "Background; intended use and role of the test"),
    Item("4", "Aims and hypotheses"),
    Item("5", "Data collected before or after the tests"),
    Item("6", "Who was eligible"),
    Item("7", "How they were found"),
    Item("8", "Where and when"),
    Item("9", "Consecutive, random or convenient series"),
    Item("10a", "The test, so that it can be repeated", TRAINING),
    Item("10b", "The reference standard, so that it can be repeated"),
    Item("11", "Why this reference standard"),
    Item("12a", "Thresholds of the test, chosen before or after", THRESHOLD),
    Item("12b", "Thresholds of the reference standard"),
    Item("13a", "What those who did the test knew"),
    Item("13b", "What those who made the labels knew"),
    Item("14", "How accuracy was computed and compared", METRICS),
    Item("15", "What was done about results that are not clear"),
    Item("16", "Missing data", UNREADABLE),
    Item("17", "Variation of accuracy, planned or explored"),
    Item("18", "Size of the study and how it was decided", DATA),
    Item("19", "Flow of participants", UNREADABLE),
    Item("20", "Characteristics of participants"),
    Item("21a", "How severe the disease was"),
    Item("21b", "Other diagnoses of those without it"),
    Item("22", "Time and treatment between test and reference"),
    Item("23", "Table of test against reference", RESULTS),
    Item("24", "Accuracy with its intervals", INTERVALS),
    Item("25", "Harm from the tests"),
    Item("26", "Limitations"),
    Item("27", "What it means for practice"),
    Item("28", "Registration number"),
    Item("29", "Where the protocol is"),
    Item("30", "Funding"),
    Item("AI", "STARD-AI also asks: the images, where they come from and how they were prepared", PREPROCESSING),
    Item("AI", "STARD-AI also asks: how the images for training, validation and test were divided", SPLIT),
    Item("AI", "STARD-AI also asks: the model that is tested, with its version", MODEL),
    Item("AI", "STARD-AI also asks: bias and fairness, and accuracy in groups of people"),
)
# fmt: on
GUIDELINES: Mapping[str, tuple[Item, ...]] = {
    "CLAIM (2020)": CLAIM,
    "TRIPOD+AI (2024)": TRIPOD_AI,
    "STARD (2015), with what STARD-AI (2025) adds": STARD,
}
AUTHOR = "for the author"


def filled(said: Mapping[str, str]) -> dict[str, list[tuple[str, str, str]]]:
    """For each guideline its items: number, what is asked, and what the record says of it, or that it is for the author.

    Args:
        said: what the record says, by key; what it does not know is left out.
    """
    return {
        name: [(item.number, item.asks, said.get(item.key or "", AUTHOR)) for item in items]
        for name, items in GUIDELINES.items()
    }
