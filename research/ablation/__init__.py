"""Questions put to trained translators: arms, their runs, and the verdict."""
