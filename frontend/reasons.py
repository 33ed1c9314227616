"""Reasons that the API gives in English and as codes, in the language of this request."""

from collections.abc import Sequence

from frontend.api.catalogue import Drift
from frontend.languages.catalogues import SOURCE_LANGUAGE
from frontend.languages.preferences import language
from frontend.languages.texts import N_, gettext, local_number

TO_KEEP = {
    "orientation": N_("the right way round, where others are mirrored"),
    "pixels": N_("the most pixels"),
    "oldest": N_("the oldest file"),
    "label": N_("with a label"),
    "lossless": N_("saved without loss"),
    "camera_data": N_("with camera data"),
    "colour_profile": N_("with a colour profile"),
    "sharpness": N_("the sharpest"),
    "bytes": N_("the largest file"),
    "same_file": N_("all are the same file; this is the first"),
    "first": N_("the first"),
}
TO_TRAIN = {
    "outside": N_("%(share)s%% of the pictures are unlike all that the model was trained on."),
    "grown": N_("There are %(times)s times as many pictures as the model was trained on."),
    "uneven": N_("The clusters have become uneven, which makes searches slower."),
}


def why_to_keep(reasons: Sequence[str]) -> str | None:
    """Why a picture is kept; None where the words of the API say it better: in English, or for an unknown code."""
    if language() == SOURCE_LANGUAGE or not reasons or not set(reasons) <= TO_KEEP.keys():
        return None
    return gettext(", then ").join(gettext(TO_KEEP[reason]) for reason in reasons)


def why_to_train(drift: Drift) -> str | None:
    """Why it pays to train again; None where the words of the API say it better."""
    if language() == SOURCE_LANGUAGE or drift.code not in TO_TRAIN:
        return None
    times = local_number(drift.items / max(1, drift.trained_items), "0.0")
    return gettext(TO_TRAIN[drift.code], share=round(100 * drift.outside_share), times=times)
