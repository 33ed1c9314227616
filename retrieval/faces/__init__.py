"""Faces: detectors, square crops that are aligned where there are landmarks, and the opener of both."""
