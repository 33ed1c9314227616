"""Numbers, values and times as text, as the language of this request writes them."""

from datetime import date, datetime
from decimal import Decimal

from babel.dates import get_datetime_format
from flask_babel import format_date, format_time, get_locale

from frontend.languages.preferences import has_time_zone
from frontend.languages.texts import N_, gettext, local_number

# Lower bounds of the cosine similarity. They describe a measured similarity, not a chance of being right.
SIMILARITY_WORDS = (
    (0.95, N_("nearly the same")),
    (0.8, N_("very close")),
    (0.6, N_("close")),
    (0.35, N_("somewhat alike")),
)
LOWEST_SIMILARITY_WORDS = N_("barely alike")

# What the API reads, for a test holds these against it.
FORMATS = N_("JPEG, PNG, WebP, GIF, BMP, HEIC, AVIF, TIFF or PBM/PGM/PPM")
BROWSER_FORMATS = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"})
# For a file dialog: by media type, and by ending for those that not every system has a media type for.
ACCEPTED_FILES = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/heic,image/avif,image/tiff,image/x-portable-anymap,"
    ".heic,.heif,.hif,.avif,.tif,.tiff,.pnm,.pbm,.pgm,.ppm"
)


def formats() -> str:
    """The formats that are read, for a sentence."""
    return gettext(FORMATS)


def similarity_words(cosine: float) -> str:
    """Words for a cosine similarity, consistent with its two displayed digits."""
    words = (words for least, words in SIMILARITY_WORDS if round(cosine, 2) >= least)
    return gettext(next(words, LOWEST_SIMILARITY_WORDS))


def probability_words(probability: float) -> str:
    """Text for the probability of a true match; never certain, never impossible."""
    percent = round(100 * probability)
    if percent <= 0:
        return gettext("under 1\N{NO-BREAK SPACE}%% sure")
    if percent >= 100:
        return gettext("over 99\N{NO-BREAK SPACE}%% sure")
    return gettext("%(number)s\N{NO-BREAK SPACE}%% sure", number=percent)


def two_digits(number: float) -> str:
    """A number with two digits after the point; what rounds to nothing has no sign."""
    return local_number(round(number, 2) + 0.0, "0.00")


def significant(number: float) -> str:
    """A number with up to three significant digits."""
    return local_number(Decimal(f"{number:.3g}"))


def attribute(value: str | bool | int | float) -> str:
    """Text for the value of an attribute. Whole numbers are not grouped: many are years, or names."""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, float):
        is_tiny = 0 < abs(value) < 1e-4
        return local_number(Decimal(f"{value:.6g}"), "0.#####E0" if is_tiny else "#,##0.######")
    return str(value)


def milliseconds(count: float) -> str:
    """Text for a duration."""
    return gettext("%(number)s ms", number=round(count)) if count >= 1 else gettext("under 1 ms")


def moment(time: datetime) -> str:
    """A date and time in the time zone of the visitor; in UTC, which it says, while that is not known."""
    pattern = get_datetime_format("medium", get_locale() or "en")
    text = str(pattern).replace("{1}", format_date(time, "medium")).replace("{0}", format_time(time, "short"))
    return text if has_time_zone() else f"{text} UTC"


def day(time: datetime | date) -> str:
    """A date; that of a time in the time zone of the visitor."""
    return str(format_date(time, "medium"))


def file_size(count: int) -> str:
    """Text for the size of a file, in kB or MB."""
    if count >= 1_000_000:
        return megabytes(count)
    return f"{local_number(max(1, round(count / 1000)))}\N{NO-BREAK SPACE}kB"


def megabytes(count: int) -> str:
    """Text for a number of bytes, in MB."""
    return f"{significant(count / 1_000_000)}\N{NO-BREAK SPACE}MB"
