"""Numbers, values and times as text."""

from datetime import UTC, datetime

# Lower bounds of the cosine similarity. They describe a measured similarity, not a chance of being right.
SIMILARITY_WORDS = ((0.95, "nearly the same"), (0.8, "very close"), (0.6, "close"), (0.35, "somewhat alike"))
LOWEST_SIMILARITY_WORDS = "barely alike"

# What the API reads, for a test holds these against it.
FORMATS = "JPEG, PNG, WebP, GIF, BMP, HEIC, AVIF, TIFF or PBM/PGM/PPM"
BROWSER_FORMATS = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif"})
# For a file dialog: by media type, and by ending for those that not every system has a media type for.
ACCEPTED_FILES = (
    "image/jpeg,image/png,image/webp,image/gif,image/bmp,image/heic,image/avif,image/tiff,image/x-portable-anymap,"
    ".heic,.heif,.hif,.avif,.tif,.tiff,.pnm,.pbm,.pgm,.ppm"
)


def similarity_words(cosine: float) -> str:
    """Words for a cosine similarity, consistent with its two displayed digits."""
    return next((words for least, words in SIMILARITY_WORDS if round(cosine, 2) >= least), LOWEST_SIMILARITY_WORDS)


def probability_words(probability: float) -> str:
    """Text for the probability of a true match; never certain, never impossible."""
    percent = round(100 * probability)
    space = "\N{NO-BREAK SPACE}"
    if percent <= 0:
        return f"under 1{space}% sure"
    return f"over 99{space}% sure" if percent >= 100 else f"{percent}{space}% sure"


def two_digits(number: float) -> str:
    """A number with two digits after the point; what rounds to nothing has no sign."""
    return f"{round(number, 2) + 0.0:.2f}"


def attribute(value: str | bool | int | float) -> str:
    """Text for the value of an attribute."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def moment(time: datetime) -> str:
    """A date and time, in UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(time: datetime) -> str:
    """A date, in UTC."""
    return time.astimezone(UTC).strftime("%Y-%m-%d")


def file_size(count: int) -> str:
    """Text for the size of a file, in kB or MB."""
    return f"{max(1, round(count / 1000)):,}\N{NO-BREAK SPACE}kB" if count < 1_000_000 else megabytes(count)


def megabytes(count: int) -> str:
    """Text for a number of bytes, in MB."""
    return f"{count / 1_000_000:.3g}\N{NO-BREAK SPACE}MB"
